package mail

import (
	"io"
	"testing"
	"testing/iotest"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		encoding       encoding
		broken         bool
	}{
		{"quoted", "a=C3=BC=\r\nb \t\r\nc", "aüb\r\nc", encodingQuoted, false},
		{"quoted lower case", "=c3=bc", "ü", encodingQuoted, false},
		{"quoted, nothing escaped", "1=2, a=", "1=2, a", encodingQuoted, true},
		{"quoted, long", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=41", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxA", encodingQuoted, false},
		{"base64", "SGVs\r\nbG8=\r\n", "Hello", encodingBase64, false},
		{"base64 in odd lines", "SG\nVs\nbG\n8=", "Hello", encodingBase64, false},
		{"base64 indented", " SGVs\n bG8=", "Hello", encodingBase64, false},
		{"base64 joined", "SGk=SGk=", "HiHi", encodingBase64, false},
		{"base64 joined in lines", "SGk=\nSGk=", "HiHi", encodingBase64, false},
		{"base64 not padded", "SGVsbG8", "Hello", encodingBase64, false},
		{"base64 with junk", "SG!Vs*bG8=", "Hello", encodingBase64, true},
		{"base64 with a footer", "SGVsbG8=\n_____\nThe list's footer!", "Hello", encodingBase64, true},
		{"base64 with words behind", "SGVsbG8= ignored", "Hello", encodingBase64, true},
		{"uuencoded", "begin 644 a.txt\n%2&5L;&\\\n`\nend\n", "Hello", encodingUU, false},
		{"none", "a\r\nb", "a\r\nb", encodingNone, false},
		{"empty", "", "", encodingBase64, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, broken := decodeAll([]byte(test.in), test.encoding)
			if string(got) != test.want || broken > 0 != test.broken {
				t.Errorf("decodeAll(%q) = %q, %d broken, want %q, broken %v", test.in, got, broken, test.want, test.broken)
			}
			slow, err := io.ReadAll(iotest.OneByteReader(newDecoder([]byte(test.in), test.encoding)))
			if err != nil || string(slow) != test.want {
				t.Errorf("%q read byte by byte = %q, %v, want %q", test.in, slow, err, test.want)
			}
		})
	}
}

func TestUUBlocks(t *testing.T) {
	t.Parallel()
	raw := "From: a@b.example\n\nSee the file.\n\nbegin 644 ../notes.txt\n%2&5L;&\\\n`\nend\n\nbegin 644 is how it starts\nBye\n"
	m, err := Parse([]byte(raw), Budget{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "See the file.\n\n\nbegin 644 is how it starts\nBye"; m.Text != want {
		t.Errorf("Text = %q, want %q", m.Text, want)
	}
	if len(m.Parts) != 2 || m.Parts[1].Filename != "notes.txt" || m.Parts[1].Size != 5 {
		t.Errorf("Parts = %+v, want the text and notes.txt of 5 bytes", m.Parts)
	}
}
