package mail

// The disagreements with the expected results of the three sets, each with its reason. docs/mail.md has the same table.
const (
	whyUU        = "uuencoded files are decoded, and taken out of texts"
	whyOuter     = "a delimiter of the outer multipart ends the inner one (RFC 2046 §5.1.2)"
	whyShown     = "a multipart whose boundary never comes is shown as text instead of lost"
	whyPath      = "the last part of a Windows path is the file's name"
	whyMerged    = "the headers of a multipart and of its first part have run together: the parts are told apart"
	whyUnread    = "text that claims to be base64 is shown as it came"
	whyBlank     = "a line of blanks ends the header where no field follows"
	whyNoHeader  = "text without a header is all body"
	whyJunk      = "a line that is no field, with nothing known after it, begins the body"
	whyNamed     = "a text with a file name is an attachment (RFC 8621 §4.1.4)"
	whyTwoBodies = "two texts are both shown (RFC 8621 §4.1.4)"
	whyClaim     = "the claimed type is read although a semicolon is missing"
	whyTheirs    = "the set shows the HTML's text where there is a plain text"
)

var stalwartExplained = map[string]string{
	"legacy/017 attachments":     whyUU,
	"legacy/026 attachments":     whyUU,
	"legacy/048 attachments":     whyUU,
	"legacy/049 text":            whyUU,
	"legacy/049 attachments":     whyUU,
	"legacy/035 attachments":     whyPath,
	"legacy/039 attachments":     whyPath,
	"malformed/001 body choice":  "a delimiter that is a beginning of the line is none: what follows is text",
	"malformed/002 body choice":  whyShown,
	"malformed/002 attachments":  whyShown,
	"malformed/003 body choice":  whyShown,
	"malformed/003 attachments":  whyShown,
	"malformed/004 body choice":  whyShown,
	"malformed/004 attachments":  whyShown,
	"malformed/006 body choice":  whyShown,
	"malformed/006 attachments":  whyShown,
	"malformed/007 body choice":  whyShown,
	"malformed/008 text":         whyOuter,
	"malformed/008 body choice":  whyOuter,
	"malformed/008 attachments":  whyOuter,
	"malformed/009 text":         whyOuter,
	"malformed/009 body choice":  whyOuter,
	"malformed/009 attachments":  whyOuter,
	"malformed/011 text":         whyOuter,
	"malformed/011 body choice":  whyOuter,
	"malformed/011 attachments":  whyOuter,
	"malformed/012 attachments":  whyOuter,
	"malformed/016 text":         whyOuter,
	"malformed/016 body choice":  whyOuter,
	"malformed/016 attachments":  whyOuter,
	"malformed/017 attachments":  "the file name is read although the disposition before it is missing",
	"malformed/019 date":         "of two Date fields the first counts",
	"malformed/019 body choice":  "a header that runs into its text is cut where the text begins",
	"malformed/020 text":         whyMerged,
	"malformed/020 body choice":  whyMerged,
	"malformed/021 text":         whyMerged,
	"malformed/021 body choice":  whyMerged,
	"thirdparty/002 text":        whyUnread,
	"thirdparty/002 body choice": whyUnread,
	"thirdparty/002 attachments": whyUnread,
	"thirdparty/012 body choice": "an unknown subtype of text is text (RFC 2046 §4.1.4)",
	"thirdparty/012 attachments": "an unknown subtype of text is text (RFC 2046 §4.1.4)",
	"thirdparty/015 attachments": whyOuter,
}

var mime4jExplained = map[string]string{
	"mimetools-testmsgs/frag contents":                        "the last bytes of base64 that is cut off are kept",
	"mimetools-testmsgs/hdr-fakeout contents":                 whyBlank,
	"mimetools-testmsgs/multi-frag contents":                  "a closing delimiter at the end of a line of data ends the part",
	"testmsgs/basic-plain-with-bad-header-separator contents": whyBlank,
	"testmsgs/malformedHeader-nocrlfcrlf header":              whyJunk,
	"testmsgs/malformedHeader-nocrlfcrlf contents":            whyJunk,
	"testmsgs/malformedHeader-noheader contents":              whyNoHeader,
	"testmsgs/malformedHeaderStartsBody-nocrlfcrlf contents":  whyJunk,
	"testmsgs/malformedHeaderStartsBody-noheader contents":    whyNoHeader,
	"testmsgs/obsolete header":                                "a field whose name is not ASCII is kept",
}

var enmimeExplained = map[string]string{
	"parts/chardet-detection.raw text":                       "the declared charset wins where it decodes cleanly",
	"parts/chardet-fail.raw text":                            "an image that says nothing of itself is shown as text, in the charset that is likeliest",
	"parts/empty-header.raw text":                            whyTheirs,
	"parts/missing-ctype.raw text":                           whyTheirs,
	"parts/similar-boundary.raw html":                        whyTwoBodies,
	"low-quality/empty-header.raw text":                      whyTwoBodies,
	"low-quality/missing-content-type2.raw text":             whyTwoBodies,
	"mail/mime-alternative.raw text":                         whyTwoBodies,
	"mail/mime-mixed-related.raw html":                       whyTwoBodies,
	"mail/inlinemultipart.raw text":                          whyNamed,
	"mail/malformed-multiple-address-header-values.raw text": whyNamed,
	"mail/mime-bad-content-type.raw attachments":             whyClaim,
	"mail/mime-blank-media-name.raw attachments":             whyClaim,
}
