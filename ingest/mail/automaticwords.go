package mail

// returnSubjects are how the subjects of bounces begin, in lower case.
var returnSubjects = []string{
	"undeliver", "delivery status", "delivery failure", "delivery failed", "delivery notification", "delivery report", "delivery error", "delivery delayed", "delivery has failed",
	"mail delivery", "mail could not", "mail system error", "message delivery", "message undeliver", "returned mail", "returned to sender", "returned message", "mail undeliver", "mail returned", "mail failure",
	"failure notice", "failure delivery", "failed mail", "warning: could not send", "warning: message", "delayed mail", "message status - undeliverable", "message delayed", "email not delivered", "mail not delivered",
	"could not deliver", "couldn't deliver", "nondeliverable", "non-deliverable", "non delivery", "non-delivery", "ndn:", "dsn:", "nondelivery", "message you sent blocked", "error sending message", "user unknown", "unknown user", "unable to deliver", "notice: mail delivery",
	"non remis", "non remise", "échec de la remise", "remise impossible", "notification d'état de remise", "avis de non-remise", "message non distribu", "courrier non distribu",
	"unzustellbar", "nicht zustellbar", "mail fehler", "zustellung fehlgeschlagen", "fehler bei der zustellung", "benachrichtigung zum übermittlungsstatus", "unzustellbare",
	"no se puede entregar", "no se pudo entregar", "no entregado", "error de entrega", "notificación de estado de entrega", "correo devuelto", "mensaje no entregado",
	"não entregue", "falha na entrega", "notificação de status de entrega", "não foi possível entregar", "devolução de",
	"mancato recapito", "mancata consegna", "notifica di stato di recapito", "non recapitabile", "impossibile recapitare",
	"onbestelbaar", "niet bezorgd", "bezorging mislukt", "niet afgeleverd", "niedostarczal", "nie dostarczono", "niedoręcz", "nedoručiteln", "nedoruč", "kan inte levereras", "kunne ikke leveres", "ikke levert", "olevererbart", "ulevererbar", "toimittaminen epäonnistui",
	"не доставлено", "недоставлен", "уведомление о невозможности доставки", "teslim edilemedi", "iletilemedi", "αποτυχία παράδοσης", "メールエラー通知", "メッセージを配信できません", "配信不能", "配信できません", "送信できませんでした", "配信エラー", "系统退信", "退信", "无法投递", "未送達", "無法傳遞", "배달 실패", "전송 실패", "배달되지 않음", "לא ניתן למסירה", "تعذر التسليم",
}

// returnSubjectsAlone are those that say enough where a mail comes from an address nobody reads and nothing else tells.
var returnSubjectsAlone = []string{
	"メールエラー通知", "undeliverable", "undelivered mail returned", "mail delivery failed", "delivery status notification", "returned mail:", "系统退信", "failure notice",
}

// returnOpenings are how the texts of bounces begin whose subject does not tell.
var returnOpenings = []string{
	"error: invalid user address", "your mail sent on:", "your message could not be delivered", "your message was not delivered", "this is an automatically generated delivery status", "delivery to the following recipient", "the following message could not be delivered", "unable to deliver message to the following",
	"this message was created automatically by mail", "message could not be delivered", "hi. this is the", "the original message was received at", "your mail could not be delivered",
}

// autoSubjects are how the subjects of vacation notices and other automatic answers begin, in lower case, where no header
// tells.
var autoSubjects = []string{
	"automatic reply", "automated reply", "automatic response", "auto reply:", "auto-reply:", "autoreply:", "auto reply -", "[auto-reply]", "[auto reply]", "autoreply from", "auto response:", "auto-response:", "autoresponse:", "autoresponder:", "auto:", "out of office:", "out of the office:", "out of office auto", "out-of-office", "ooo:", "vacation:", "vacation reply", "on vacation:", "away from mail", "i am out of the office", "i'm out of the office",
	"abwesenheitsnotiz", "abwesend:", "abwesenheit:", "automatische antwort", "automatische rückantwort", "autom. antwort", "ich bin nicht im büro", "urlaub:",
	"réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence", "notification d'absence", "en congés:",
	"respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "resposta automática", "resposta automatica", "fora do escritório", "ausência temporária",
	"risposta automatica", "fuori sede", "fuori ufficio", "assente:", "automatisk svar", "automatiskt svar", "autosvar", "frånvaro", "fravær", "ikke på kontoret", "ej på kontoret", "automatisch antwoord", "afwezig", "niet aanwezig:",
	"automaattinen vastaus", "poissa toimistosta", "poissaolo", "automatyczna odpowiedź", "odpowiedź automatyczna", "nieobecność", "poza biurem", "automatická odpověď", "automatická odpoveď", "mimo kancelář", "автоответ", "автоматический ответ", "нет на работе", "автоматична відповідь", "автовідповідь",
	"otomatik yanıt", "ofis dışında", "αυτόματη απάντηση", "εκτός γραφείου", "自動応答", "自動返信", "不在通知", "不在:", "自动回复", "自動回覆", "自动答复", "自動答覆", "外出", "자동 회신", "자동 응답", "부재중", "תשובה אוטומטית", "מענה אוטומטי", "الرد التلقائي", "رد تلقائي", "رد آلي", "trả lời tự động", "tự động trả lời", "balasan otomatis", "jawapan automatik", "răspuns automat", "automatikus válasz", "házon kívül", "автоматичен отговор", "automatski odgovor", "samodejni odgovor", "automatinis atsakymas", "automaatne vastus", "automātiska atbilde", "ตอบกลับอัตโนมัติ",
}

// challengeSubjects are how challenges begin.
var challengeSubjects = []string{
	"please confirm your message", "please confirm your email to", "your email requires verification", "confirmation required for your message", "your message requires confirmation", "verification required for your message", "[boxbe]", "action required: verify your email to", "re: your email requires verification verify", "please verify your message",
}
