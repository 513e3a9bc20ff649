package mail

import "slices"

// sentFrom are how the lines of mobile mail programs begin, in lower case; a device or a program must follow.
var sentFrom = []string{
	"sent from", "sent via", "sent with", "sent using", "sent by", "sent on my", "from my", "get outlook", "get bluemail", "get typeapp", "composed on", "typed on", "written on my", "mailed from", "posted from",
	"gesendet von", "gesendet vom", "gesendet mit", "gesendet via", "gesendet über", "holen sie sich", "hole dir", "diese nachricht wurde von", "diese nachricht wurde mit", "diese e-mail wurde von mein", "diese mail wurde von mein", "verschickt von", "verschickt mit", "versendet von", "versendet mit",
	"envoyé de", "envoyé depuis", "envoyé à partir", "envoyé avec", "envoyé via", "envoyé par", "envoye de", "envoye depuis", "télécharger outlook", "téléchargez", "obtenir outlook", "message envoyé de", "provenance :",
	"enviado desde", "enviado de", "enviado do", "enviado da", "enviado a partir", "enviado pelo", "enviado por", "enviado com", "enviado con", "enviado via", "mandado desde", "obtener outlook", "obtenga outlook", "obter o outlook", "obtenha o outlook", "mensagem enviada d",
	"inviato da", "inviato con", "inviato tramite", "inviato via", "scarica outlook", "ottieni outlook", "messaggio inviato da", "spedito da",
	"verzonden met", "verzonden vanaf", "verzonden via", "verzonden van", "verstuurd vanaf", "verstuurd met", "verstuurd via", "download outlook", "outlook voor",
	"wysłane z", "wysłano z", "wiadomość wysłana z", "pobierz outlook", "pobierz aplikację outlook", "odesláno z", "odesláno pomocí", "odeslané z", "odoslané z", "získat outlook", "získejte",
	"skickat från", "skickat via", "skickat med", "skickades från", "hämta outlook", "sendt fra", "sendt via", "sendt med", "hent outlook", "skaff deg outlook", "last ned outlook", "lähetetty", "hanki outlook",
	"отправлено с", "отправлено из", "отправлено через", "отправлено от", "послано с", "скачать outlook", "надіслано з", "надіслано через", "відправлено з", "отримати outlook",
	"gönderildi:", "εστάλη από", "στάλθηκε από", "απεστάλη από", "αποκτήστε το outlook", "נשלח מ", "أرسلت من", "تم الإرسال من", "أُرسلت من", "مرسل من", "gửi từ", "đã gửi từ", "được gửi từ", "dikirim dari", "dapatkan outlook", "trimis de", "trimis din",
	"elküldve", "küldve", "изпратено от", "изпратено с", "poslano s", "poslano z", "poslato sa", "saadetud minu", "nosūtīts no", "išsiųsta iš", "ส่งจาก", "ارسال شده از", "enviat des", "pobrano z",
	"從我", "从我", "发自", "發自", "來自我", "来自我", "获取outlook", "取得 outlook",
}

// sentEnd are how they end in languages that put the verb there.
var sentEnd = []string{
	" gesendet", " geschickt", " gönderildi", "送信", "から送信", "送信されました", "传送", "傳送", "發送", "发送", "보냄", "전송", " küldve", "iphonesta", "ipadista",
	"から入手", "다운로드", " indirin", "を入手", " küldtem", "भेजा गया",
}

// sentEndOpeners begin a line that ends so, in scripts with spaces: others are sentences that tell of something sent.
var sentEndOpeners = []string{"von meine", "vom ", "von unterwegs", "von iphone", "mit der ", "mit dem ", "iphon", "ipad", "android", "samsung", "az iphon", "az ipad", "az android", "lähetetty", "outlook"}

// sentWhole begin lines that say enough by themselves.
var sentWhole = []string{
	"excuse typos", "please excuse typos", "please excuse any typos", "please excuse brevity", "please excuse my brevity", "please excuse the brevity",
	"excuse my brevity", "pardon my brevity", "sorry for typos", "sorry for any typos", "sent on the go", "sent on the move",
	"bitte entschuldigen sie die kürze", "bitte entschuldige die kürze", "von unterwegs gesendet",
	"sent from mail for windows", "sent from yahoo mail", "sent from outlook for", "get outlook for", "outlook für ios", "outlook für android",
	"outlook pour ios", "outlook pour android", "outlook para ios", "outlook para android", "outlook per ios", "outlook per android", "outlook voor ios", "outlook voor android",
}

// devices are the words by which such a line is known.
var devices = words(`
	mobile mobil mobiel móvil movil mobiltelefon handy smartphone phone cell cellphone mail mailbox yahoo windows samsung galaxy
	blackberry nokia huawei xiaomi htc lg pixel gmail proton protonmail airmail spark thunderbird hotmail aol bluemail mailbird
	k-9 typemail superhuman newton polymail missive tuta tutanota outlook tablet device téléphone telefono telefone teléfono telefon
	telefoon telefonu telefonum puhelimesta puhelimestani телефона мобільного мобильного мобильной motorola oneplus sony xperia redmi oppo
	vivo honor gmx điện ponsel perangkat celular cellulare mobiililaitteesta dispositivo appareil gerät urządzenia zařízení enhet enhed
	laitteesta устройства пристрою cihazımdan הטלפון هاتفي جهازي جهاز κινητό συσκευή телефон mobilného mobilního telefonumdan mobilimdan
	handheld treo palm mobilgerät mobilgeräts mobile-app`)

// deviceStems are names of devices that are written together with what stands around them; each begins with a letter that
// namesDevice looks for.
var deviceStems = []string{"iphon", "ipad", "ipod", "ios", "android", "outlook", "samsung", "sony", "oneplus", "oppo", "apple"}

// stamps begin the paragraphs of virus scanners and mailing lists, in lower case.
var stamps = []string{
	"this email has been checked for viruses", "this e-mail has been checked for viruses", "this message has been checked for viruses",
	"this email was scanned", "this email has been scanned", "this message has been scanned", "scanned by ", "virus-free. www", "virus-free.www", "no virus found in this",
	"checked by avg", "diese e-mail wurde von avast", "diese e-mail wurde auf viren", "diese nachricht wurde auf viren", "virenfrei. www", "cet e-mail a été vérifié", "l'absence de virus dans ce courrier",
	"garanti sans virus", "sans virus. www", "este correo electrónico ha sido comprobado", "este mensaje ha sido analizado", "libre de virus. www", "el software de antivirus avast",
	"questa e-mail è stata controllata", "questo messaggio e' stato analizzato", "questo messaggio è stato analizzato", "privo di virus", "este e-mail foi verificado", "este email foi escaneado", "livre de vírus. www",
	"deze e-mail is gecontroleerd", "deze e-mail is door avast", "virusvrij. www", "ta wiadomość e-mail została sprawdzona", "wolny od wirusów", "tato zpráva byla zkontrolována", "bez virů. www",
	"denna e-post har kontrollerats", "detta epostmeddelande har sökts", "denne e-mail er blevet kontrolleret", "это сообщение проверено на вирусы", "без вирусов. www", "цей лист перевірено",
	"to unsubscribe from this group", "you received this message because you are subscribed", "to unsubscribe send", "to unsubscribe, send",
	"please consider the environment before printing", "please think of the environment", "before printing, think", "think before you print", "bitte denken sie an die umwelt", "bitte prüfen sie der umwelt zuliebe",
	"pensez à l'environnement", "pensez à l’environnement", "avant d'imprimer", "antes de imprimir", "prima di stampare", "denk aan het milieu", "tänk på miljön", "tænk på miljøet", "zanim wydrukujesz",
}

// legalese are phrases of disclaimers, in lower case. Three of them make one.
var legalese = []string{
	"confidential", "intended recipient", "intended solely", "intended only", "addressee", "privileged", "if you have received this", "if you are not the", "unauthorized", "unauthorised",
	"any dissemination", "disclosure, copying", "do not necessarily", "in error", "strictly prohibited", "registered in england", "registered office", "may contain information", "notify the sender",
	"vertraulich", "nicht der richtige adressat", "nicht der beabsichtigte", "unbefugte", "irrtümlich erhalten", "informieren sie bitte", "vernichten sie", "rechtlich geschützte", "adressaten bestimmt",
	"confidentiel", "destinataire", "reçu ce message par erreur", "par erreur", "usage exclusif", "toute diffusion", "détruire", "strictement interdit",
	"confidencial", "destinatario", "por error", "destinatário", "por engano", "uso exclusivo", "queda prohibida", "protección de datos", "prohibida su", "é proibid", "caso não seja",
	"riservat", "confidenzial", "per errore", "destinatari", "d.lgs", "vietat", "informazioni contenute",
	"vertrouwelijk", "geadresseerde", "ten onrechte", "uitsluitend bestemd", "niet de beoogde", "poufn", "zaufan", "adresat", "przez pomyłkę", "wyłącznie do", "důvěrn", "omylem", "určena pouze", "adresát",
	"konfidentiell", "avsedd för", "av misstag", "mottagare", "fortrolig", "ved en feil", "ved en fejl", "modtager", "luottamuksel", "vastaanottaj", "erehdyksessä", "tarkoitettu vain",
	"конфиденциальн", "адресат", "по ошибке", "конфіденційн", "помилково", "gizli", "yanlışlıkla", "alıcı", "yetkisiz", "εμπιστευτικ", "παραλήπτη", "κατά λάθος",
	"機密", "宛先", "誤って", "機密信息", "保密", "收件人", "误收", "誤收", "기밀", "수신인", "수신자", "잘못", "חסוי", "בטעות", "נמען", "سري", "المرسل إليه", "بطريق الخطأ", "bí mật", "người nhận", "nhầm",
	"rahasia", "penerima", "confidenţial", "confidențial", "din greșeală", "destinatarului", "bizalmas", "címzett", "tévedésből",
}

// legaleseASCII are those that can stand in a text of ASCII.
var legaleseASCII = slices.DeleteFunc(slices.Clone(legalese), func(p string) bool { return !isASCII(p) })
