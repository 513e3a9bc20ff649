package mail

import (
	"testing"

	htmlcharset "golang.org/x/net/html/charset"
)

// TestDetectCharset writes a sentence in a charset and lets the detector read it.
func TestDetectCharset(t *testing.T) {
	t.Parallel()
	tests := []struct{ charset, text string }{
		{"windows-1251", "Здравствуйте, лампа пришла разбитой. Можно ли обменять её на новую?"},
		{"koi8-r", "Здравствуйте, лампа пришла разбитой. Можно ли обменять её на новую?"},
		{"iso-8859-5", "Здравствуйте, лампа пришла разбитой. Можно ли обменять её на новую?"},
		{"windows-1253", "Καλημέρα, η λάμπα έφτασε σπασμένη. Μπορώ να την αλλάξω με μια καινούργια;"},
		{"windows-1255", "שלום, המנורה הגיעה שבורה. האם אפשר להחליף אותה בחדשה?"},
		{"windows-1256", "مرحبا، وصل المصباح مكسورا. هل يمكن استبداله بمصباح جديد؟"},
		{"windows-1250", "Dzień dobry, lampa przyszła zepsuta. Czy można ją wymienić na nową? Proszę o szybką odpowiedź, dziękuję."},
		{"windows-1254", "Merhaba, lamba kırık geldi. Yenisiyle değiştirebilir miyim? Lütfen yardımcı olun, teşekkür ederim. Görüşmek üzere, iyi günler dilerim, hoşça kalın."},
		{"windows-1252", "Guten Tag, die Lampe kam zerbrochen an. Können Sie mir bitte eine neue schicken? Schöne Grüße aus Köln"},
		{"windows-1252", "Bonjour, la lampe est arrivée cassée. Pourriez-vous m’en envoyer une autre ?"},
		{"windows-1252", "Résumé"},
		{"windows-1252", "It costs 50 £ or 60 €"},
		{"shift_jis", "お世話になっております。ランプが壊れて届きました。交換していただけますか。"},
		{"euc-jp", "お世話になっております。ランプが壊れて届きました。交換していただけますか。"},
		{"gb18030", "您好，收到的台灯是坏的，请问可以换一个新的吗？谢谢。"},
		{"big5", "您好，收到的檯燈是壞的，請問可以換一個新的嗎？謝謝。"},
		{"euc-kr", "안녕하세요. 램프가 깨져서 도착했습니다. 새것으로 교환할 수 있을까요?"},
		{"utf-16le", "Hello, the lamp arrived broken."},
	}
	for _, test := range tests {
		e, _ := htmlcharset.Lookup(test.charset)
		data, err := e.NewEncoder().Bytes([]byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // the same every time
			if got, used := guessed(data); got != test.text {
				t.Errorf("%s: read as %s: %q, want %q", test.charset, used, got, test.text)
			}
		}
	}
}
