package classify

import (
	"testing"
)

// A first mail in a language that the workspace has never seen must not be called spam for being strange.
func TestNewLanguageIsUnsure(t *testing.T) {
	t.Parallel()
	m := taught(400)
	for _, c := range []struct{ language, subject, text string }{
		{"English", "Question about my invoice", "Good morning, I was charged twice in March. Could you please look into it? Many thanks."},
		{"German", "Frage zu meiner Rechnung", "Guten Morgen, mir wurde im März zweimal etwas abgebucht. Könnten Sie das bitte prüfen? Vielen Dank."},
		{"French", "Question sur ma facture", "Bonjour, j'ai été débité deux fois en mars. Pourriez-vous vérifier, s'il vous plaît ? Merci beaucoup."},
		{"Spanish", "Consulta sobre mi factura", "Buenos días: me han cobrado dos veces en marzo. ¿Podrían revisarlo, por favor? Muchas gracias."},
		{"Polish", "Pytanie o fakturę", "Dzień dobry, w marcu pobrano opłatę dwa razy. Czy mogą Państwo to sprawdzić? Dziękuję bardzo."},
		{"Turkish", "Faturam hakkında soru", "Günaydın, mart ayında iki kez ücret alındı. Lütfen kontrol eder misiniz? Çok teşekkürler."},
		{"Russian", "Вопрос о счёте", "Доброе утро! В марте с меня дважды списали деньги. Проверьте, пожалуйста. Большое спасибо."},
		{"Greek", "Ερώτηση για το τιμολόγιο", "Καλημέρα, χρεώθηκα δύο φορές τον Μάρτιο. Μπορείτε να το ελέγξετε; Ευχαριστώ πολύ."},
		{"Arabic", "سؤال عن الفاتورة", "صباح الخير، تم خصم المبلغ مرتين في مارس. هل يمكنكم التحقق من ذلك؟ شكرا جزيلا."},
		{"Hindi", "मेरे बिल के बारे में प्रश्न", "सुप्रभात, मार्च में मुझसे दो बार शुल्क लिया गया। कृपया इसकी जाँच करें। बहुत धन्यवाद।"},
		{"Japanese", "請求書についての質問", "おはようございます。三月に二回請求されました。ご確認いただけますか。よろしくお願いします。"},
		{"Chinese", "关于账单的问题", "早上好，三月份我被扣款两次。请帮忙核实一下。非常感谢。"},
		{"Korean", "청구서에 대한 질문", "안녕하세요, 3월에 두 번 결제되었습니다. 확인해 주시겠어요? 감사합니다."},
		{"Thai", "คำถามเกี่ยวกับใบแจ้งหนี้", "สวัสดีค่ะ เดือนมีนาคมถูกเรียกเก็บเงินสองครั้ง รบกวนตรวจสอบให้ด้วยค่ะ ขอบคุณมากค่ะ"},
	} {
		d := Document{
			Header:  []Field{{"From", "Kim <kim@new.example>"}, {"Message-ID", "<a1@new.example>"}},
			Subject: c.subject, From: []string{"kim@new.example"}, Text: c.text,
		}
		fe := extract(testKey, &d)
		if s := m.score(&fe, defaultThresholds); s.Verdict != Unsure {
			t.Errorf("%s: %s, want unsure %+v", c.language, s.Reason, s.Contributions[:8])
		}
		if fe.Words() < 12 {
			t.Errorf("%s gives %d tokens, want its words", c.language, fe.Words())
		}
	}
}
