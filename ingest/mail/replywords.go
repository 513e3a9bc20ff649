package mail

import "strings"

// words makes a set of the words in s.
func words(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}

// wroteWords are the words for "wrote" by which mail programs end, or nearly end, what introduces a quote.
var wroteWords = words(`
	missatge napisana wrote writes quoting said
	schrieb schreibt geschrieben zitat
	écrit ecrit
	escribió escribio escribe citando escrigué escriure
	scritto scrive scrisse
	escreveu escreve
	schreef geschreven schrijft
	napisał napisała pisze napisal napsal napsala napísal napísala píše
	skrev skriver kirjoitti skrifaði
	написал написала написали пишет писал писала написа написав пише пишува написао napisao napisala piše
	yazdı yazdi yazmış
	έγραψε έγραψαν γράφει
	כתב כתבה כתב/ה
	كتب كتبت كتب/كتبت كتابة
	viết menulis tulis
	scris írta írt írja
	rašė rakstīja kirjutas
	เขียนว่า เขียน نوشت نوشته लिखा लिखते লিখেছেন
`)

// unspacedWrote are the same in scripts without spaces, as they stand in a line.
var unspacedWrote = []string{
	"写道", "寫道", "寫了", "写了", "撰寫", "のメール", "は書きました", "が書きました", "書きました", "さんは", "wrote：",
	"작성", "님이 쓴 글", "씀:", "이(가) 쓴", "เขียนว่า", "ได้เขียน",
}

// bareEndings end an attribution that has no colon.
var bareEndings = []string{"のメール", "写道", "寫道", "님이 작성", "يكتب"}

// openers are how what introduces a quote begins: words for "on", and the days of the week that some languages begin with.
var openers = words(`
	on at in quoting zitat citando am um im le il el em no en op dnia dne dňa w den d på til στις στην τη την το
	i v o в во у на от в: a à à: la în in pada vào lúc trên vao في بتاريخ ב בתאריך ביום ngày در ในวันที่ wiadomość
	在 於 于 dia az
	mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday
	mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag sonnabend
	lun mar mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche
	lunes martes miércoles jueves viernes sábado domingo lun mié jue vie sáb dom
	lunedì martedì mercoledì giovedì venerdì sabato domenica gio sab
	seg ter qua qui sex sáb dom segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado
	ma di wo do vr za zo maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
	pon wt śr czw pt sob niedz poniedziałek wtorek środa czwartek piątek sobota niedziela
	po út ut st čt ct pá pa so ne pondělí úterý středa čtvrtek pátek neděle pondelok utorok streda štvrtok piatok nedeľa št pi
	man tir ons tor fre lør søn mandag tirsdag onsdag torsdag fredag lørdag søndag mån tis lör sön måndag tisdag lördag söndag
	ma ti ke to pe la su maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai maanantaina tiistaina keskiviikkona
	torstaina perjantaina lauantaina sunnuntaina
	пн вт ср чт пт сб вс нд понедельник вторник среда четверг пятница суббота воскресенье понеділок вівторок середа четвер
	п’ятниця субота неділя понеделник сряда петък събота неделя
	pzt sal çar per cum cmt paz pazartesi salı çarşamba perşembe cuma cumartesi pazar
	δευ τρι τετ πεμ παρ σαβ κυρ
	luni marți miercuri joi vineri sâmbătă duminică
	hétfő kedd szerda csütörtök péntek szombat vasárnap
	pirmd otrd trešd ceturtd piektd sestd svētd
	thứ senin selasa rabu kamis jumat sabtu minggu
`)
