package mail

import "strings"

// headerNames are the names of copied header fields, in lower case, in the languages of the mail programs that copy them.
var headerNames = roles(map[headerRole]string{
	roleFrom: `from von de da van od från fra lähettäjä от от_кого від gönderen gonderen kimden από 差出人 送信者
		送信元 发件人 寄件者 寄件人 發件人 보낸_사람 보낸사람 발신 발신인 מאת من từ người_gửi dari pengirim expeditor expeditorul de_la
		feladó küldő odesílatel odosielateľ expéditeur remitente mittente remetente afzender absender nadawca avsender avsändare
		afsender отправитель відправник подател šalje siuntėjas nuo kas saatja no sūtītājs จาก از`,
	roleDate: `date sent sent_on datum gesendet gesendet_am envoyé envoyé_le envoye enviado enviado_el enviado_em enviada enviada_em
		enviado_a fecha data inviato data_invio verzonden verzonden_op wysłano wysłane data_wysłania odesláno odoslané dátum
		dátuma skickat skickades sendt dato lähetetty päivämäärä päiväys отправлено дата отправлена дата_отправки надіслано відправлено
		gönderilme_tarihi gönderildi tarih στάλθηκε ημερομηνία ημ/νία 送信日時 送信日 日時 日付 发送时间 发送日期 日期 时间 寄件日期
		傳送日期 傳送時間 發送時間 時間 보낸_날짜 날짜 발신일 נשלח תאריך بتاريخ التاريخ تاريخ تاریخ تم_الإرسال أرسل_في đã_gửi ngày
		dikirim tanggal terkirim trimis trimis_la dată küldve elküldve küldés_ideje изпратено poslano poslato išsiųsta saadetud
		kuupäev nosūtīts ส่ง วันที่`,
	roleTo: `to an à a pour para per aan do komu dla till til vastaanottaja kenelle кому получатель до kime alıcı προς 宛先 收件人
		收件者 받는_사람 받는사람 수신 수신자 אל عبر إلى الى đến tới người_nhận kepada untuk către catre címzett destinataire
		destinatario destinatário empfänger ontvanger odbiorca příjemce príjemca mottagare modtager mottaker за prima kam kellele
		saaja ถึง به`,
	roleSubject: `subject betreff objet asunto oggetto assunto onderwerp temat předmět predmet ämne emne aihe тема konu θέμα 件名 主题
		主題 主旨 제목 נושא الموضوع موضوع chủ_đề tiêu_đề subjek perihal judul subiect tárgy assumpte относно tema teema temats หัวเรื่อง
		เรื่อง sujet`,
	roleCc: `cc kopie copie copia cópia kopia kopi dw udw kopio копия копія bilgi κοιν κοινοποίηση 抄送 副本 참조 עותק نسخة đồng_kính_gửi
		tembusan másolat dk b.c.c bcc důležitost importance priority wichtigkeit`,
	roleReplyTo: `reply-to reply_to responder_a répondre_à antwort_an antwoord_aan rispondi_a risposta odpowiedz_do svara_till svar_til
		ответить organization organisation`,
})

func roles(table map[headerRole]string) map[string]headerRole {
	names := map[string]headerRole{}
	for role, list := range table {
		for name := range strings.FieldsSeq(list) {
			names[strings.ReplaceAll(name, "_", " ")] = role
		}
	}
	return names
}

// originalMarkers are the words of the line above a quoted mail.
var originalMarkers = phrases(`original message|original mail|original e-mail|original email|original appointment|reply message|
	ursprüngliche nachricht|ursprüngliche mail|ursprüngliche e-mail|original-nachricht|originalnachricht|original nachricht|urspruengliche nachricht|
	message d'origine|message d’origine|message original|message initial|mail original|e-mail d'origine|courriel original|message d´origine|
	mensaje original|correo original|mensagem original|messaggio originale|messaggio original|original-mail|
	oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht|wiadomość oryginalna|oryginalna wiadomość|wiadomość pierwotna|
	původní zpráva|původní e-mail|pôvodná správa|ursprungligt meddelande|originalmeddelande|ursprungligt e-postmeddelande|
	oprindelig meddelelse|original meddelelse|original besked|oprindelig besked|opprinnelig melding|originalmelding|original melding|
	alkuperäinen viesti|исходное сообщение|оригинальное сообщение|исходное письмо|початкове повідомлення|вихідне повідомлення|
	оригінальне повідомлення|özgün ileti|orijinal ileti|orijinal mesaj|özgün mesaj|αρχικό μήνυμα|πρωτότυπο μήνυμα|元のメッセージ|
	オリジナルメッセージ|原始邮件|原始郵件|邮件原件|原邮件|원본 메시지|원본 메일|원본메시지|הודעה מקורית|ההודעה המקורית|
	הודעה מקורית:|الرسالة الأصلية|رسالة أصلية|thư gốc|tin nhắn gốc|pesan asli|pesan asal|mesaj original|mesajul original|eredeti üzenet|
	eredeti levél|missatge original|оригинално съобщение|izvorna poruka|originalna poruka|pirminis laiškas|algne kiri|ข้อความต้นฉบับ|پیام اصلی`)

// forwardMarkers are the words of the line above a mail that is passed on.
var forwardMarkers = phrases(`forwarded message|begin forwarded message|forwarded mail|forwarded email|forward message|forwarded by|start of forwarded message|
	weitergeleitete nachricht|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|weitergeleitete mail|weitergeleitete e-mail|
	message transféré|début du message réexpédié|début du message transféré|message transmis|mail transféré|message réexpédié|e-mail transféré|
	mensaje reenviado|inicio del mensaje reenviado|comienzo del mensaje reenviado|mensaje enviado de nuevo|missatge reenviat|
	messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato|mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|
	início da mensagem reencaminhada|começo da mensagem encaminhada|doorgestuurd bericht|begin doorgestuurd bericht|begin van doorgestuurd bericht|
	wiadomość przekazana|wiadomość przekazana dalej|przekazana wiadomość|początek przekazywanej wiadomości|początek przekazanej wiadomości|treść przekazanej wiadomości|
	přeposlaná zpráva|přeposlaný e-mail|začátek přeposlané zprávy|předaná zpráva|preposlaná správa|začiatok preposlanej správy|
	vidarebefordrat meddelande|vidarebefordrat brev|vidarebefordrat mail|start på vidarebefordrat meddelande|början på vidarebefordrat meddelande|
	videresendt meddelelse|videresendt besked|start på videresendt besked|begynd videresendt besked|videresendt melding|start på videresendt melding|begynnelse på videresendt melding|
	edelleenlähetetty viesti|välitetty viesti|välitetty viesti alkaa|välitetyn viestin alku|пересылаемое сообщение|пересланное сообщение|начало переадресованного сообщения|
	начало пересылаемого сообщения|перенаправленное сообщение|пересылаемое письмо|пересланное письмо|переслане повідомлення|початок листа, що пересилається|
	початок переадресованого повідомлення|перенаправлене повідомлення|iletilen mesaj|iletilmiş mesaj|iletilen ileti|yönlendirilen mesaj|yönlendirilmiş ileti|
	yönlendirilmiş iletinin başlangıcı|iletilen mesaj başlangıcı|προωθημένο μήνυμα|έναρξη προωθημένου μηνύματος|αρχή προωθημένου μηνύματος|
	転送されたメッセージ|転送メッセージ|転送メール|転送元のメッセージ|以下は転送されたメッセージです|转发的邮件|转发邮件|转发邮件信息|下面是被转发的邮件|以下是转发的邮件|轉寄郵件|轉寄的郵件|
	轉寄信件|以下是轉寄的郵件|開始轉寄郵件|以下為轉寄的訊息|전달된 메시지|전달된 메일|전달된 메시지 시작|전달한 메시지|הודעה שהועברה|הודעה מועברת|תחילת ההודעה שהועברה|
	תחילת הודעה שהועברה|الرسالة المعاد توجيهها|رسالة معاد توجيهها|رسالة محولة|بداية الرسالة المعاد توجيهها|بدء الرسالة المُعاد توجيهها|forwarded message 转发|
	tin nhắn được chuyển tiếp|thư đã chuyển tiếp|thư được chuyển tiếp|bắt đầu thư được chuyển tiếp|pesan yang diteruskan|pesan terusan|awal pesan terusan|
	mesaj redirecționat|mesaj redirectionat|mesaj transmis mai departe|început mesaj redirecționat|továbbított üzenet|továbbított levél|a továbbított levél eleje|
	препратено съобщение|proslijeđena poruka|prosleđena poruka|posredovano sporočilo|edastatud kiri|pārsūtītā ziņa|persiųstas laiškas|ข้อความที่ส่งต่อ`)

// phrases makes a set of what stands between bars.
func phrases(s string) map[string]bool {
	set := map[string]bool{}
	for p := range strings.SplitSeq(s, "|") {
		set[strings.TrimSpace(p)] = true
	}
	return set
}
