//! The words that [`super::subject`] knows: prefixes by language, tags of gateways, answers of calendars.
//!
//! Each string is a list, its entries separated by `|`, in lower case.

/// Prefixes that mail programs put before the subject of a reply, by language.
pub(super) const REPLY_PREFIXES: &[(&str, &str)] = &[
    ("en", "re|ref|reply"),
    ("ar", "رد|الرد"),
    ("bg", "отг|отговор"),
    ("cs", "odp|odpověď"),
    ("cy", "atb"),
    ("da", "sv|svar"),
    ("de", "aw|antw|antwort"),
    ("el", "απ|σχετ|απάντηση"),
    ("es", "resp|respuesta"),
    ("et", "vs|vastus"),
    ("fa", "پاسخ"),
    ("fi", "vs|vast|vastaus"),
    ("fr", "rép|rep|réf|réponse"),
    ("he", "תשובה|השב"),
    ("hr", "odg|odgovor"),
    ("hu", "vá|válasz"),
    ("id", "bls|balas|balasan"),
    ("is", "svar"),
    ("it", "r|rif|risposta"),
    ("ja", "返信|返"),
    ("ko", "회신|답장|답변"),
    ("lt", "ats|atsakymas"),
    ("lv", "atb|atbilde"),
    ("nl", "antw|antwoord|betr|betreft"),
    ("no", "sv|svar"),
    ("pl", "odp|odpowiedź"),
    ("pt", "res|resp|resposta"),
    ("ro", "răsp|rasp|răspuns|raspuns"),
    ("ru", "отв|ответ|на"),
    ("sv", "sv|svar"),
    ("th", "ตอบ|ตอบกลับ"),
    ("tr", "ynt|yan|yanıt|cvp|cevap"),
    ("uk", "відп|відповідь"),
    ("vi", "trả lời|tl"),
    ("zh", "回复|回覆|答复|答覆|回信|回|sl"),
];

/// Prefixes that mail programs put before the subject of a forward, by language.
pub(super) const FORWARD_PREFIXES: &[(&str, &str)] = &[
    ("en", "fw|fwd|forward|forwarded"),
    ("ar", "إعادة توجيه|تحويل"),
    ("bg", "препр|препратено"),
    ("cs", "přep|předáno|přeposlat"),
    ("da", "vs|videresendt"),
    ("de", "wg|weitergeleitet|wtr"),
    ("el", "πρθ|προώθηση"),
    ("es", "rv|reenv|reenviado|reenviar"),
    ("et", "edasi"),
    ("fi", "vl|välitetty"),
    ("fr", "tr|transf|transféré"),
    ("he", "הועבר"),
    ("hr", "proslijeđeno|prosl"),
    ("hu", "továbbítás|tovább|továbbított|tov"),
    ("id", "trs|terusan|trskn"),
    ("is", "fs|framsent"),
    ("it", "i|inoltra|inoltro|inoltrato"),
    ("ja", "転送|転"),
    ("ko", "전달"),
    ("lt", "persiųsta|persiunčiama"),
    ("lv", "pārs|pārsūtīts"),
    ("nl", "doorst|doorgestuurd"),
    ("no", "vs|videresendt"),
    ("pl", "pd|przekazano|podaj dalej"),
    ("pt", "enc|encaminhado|encam"),
    ("ro", "redirecționat|redir"),
    ("ru", "пересл|перенапр|пер|переадр"),
    ("sv", "vb|vidarebefordrat"),
    ("th", "ส่งต่อ"),
    ("tr", "ilt|i̇lt|ılt|iletildi|i̇letildi"),
    ("uk", "переадр|пересилання|пер"),
    ("vi", "chuyển tiếp"),
    ("zh", "转发|轉寄|轉發|轉送"),
];

/// Words of the tags by which a gateway warns of outside mail.
pub(super) const OUTSIDE_TAGS: &str = "\
    external|ext|extern|externe|externer|externes|externo|externa|esterno|esterna|ekstern|externí|zewnętrzny|\
    zewnętrzna|ulkoinen|vanjski|külső|dış|harici|εξωτερικό|внешний|внешнее|внешняя|зовнішній|外部|外部邮件|外部郵件|社外|외부|\
    외부메일|spam|junk|垃圾邮件|疑似垃圾邮件|スパム|스팸";

/// Words of other tags. They count within brackets only: people write them, too.
pub(super) const WARNING_TAGS: &str = "\
    bulk|caution|warning|achtung|attention|vorsicht|atención|attenzione|suspicious|suspected|phish|phishing|\
    unverified|marketing|newsletter|secure|encrypted|verschlüsselt|disarmed|virus|graymail";

/// The prefix by which calendars answer an invitation.
pub(super) const CALENDAR_PREFIXES: &str = "\
    accepted|declined|tentative|tentatively accepted|canceled|cancelled|new time proposed|zugesagt|angenommen|\
    abgelehnt|mit vorbehalt|abgesagt|accepté|refusé|provisoire|annulé|aceptada|aceptado|rechazada|rechazado|\
    cancelada|cancelado|accettato|rifiutato|annullato|aceito|aceite|recusado|geaccepteerd|geweigerd|voorlopig|\
    geannuleerd|zaakceptowane|odrzucone|wstępnie zaakceptowane|accepterat|avböjt|preliminärt|accepteret|afvist|\
    foreløbig|godtatt|avslått|hyväksytty|hylätty|alustava|принято|отклонено|přijato|odmítnuto|已接受|已拒绝|承諾|辞退|수락됨|\
    거절됨";

/// Words that people put before a subject. In a prefix they show that a person may have written it.
pub(super) const HUMAN_WORDS: &str = "\
    meeting|call|yes|no|thanks|thank|thx|works|question|questions|urgent|update|updated|new|interested|answer|\
    answers|follow|followup|request|invitation|invite|demo|intro|introduction|our|my|your|you|we|me|us|please|\
    pls|ok|okay|sure|about|regarding|subject|for|to|cc|was|quick|quote|offer|proposal|price|pricing|budget|\
    reminder|important|action|fyi|today|tomorrow|termin|frage|rückfrage|anfrage|danke|ja|nein|gerne|gern|\
    angebot|betreff|betrifft|rendez|merci|oui|non|objet|sujet|demande|réunion|reunión|gracias|sí|pregunta|\
    asunto|oferta|llamada|riunione|grazie|domanda|oggetto|offerta|reunião|obrigado|obrigada|sim|não|pergunta|\
    assunto|afspraak|bedankt|vraag|onderwerp|nee|spotkanie|dziękuję|tak|nie|pytanie|temat|möte|tack|fråga|nej|\
    møde|møte|spørsmål|spørgsmål|kokous|kiitos|kysymys|kyllä|встреча|спасибо|да|нет|вопрос|тема|会议|問題|问题|谢谢|質問|\
    会議|회의|질문";
