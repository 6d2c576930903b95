//! The words that [`super::subject`] knows beside the phrasebook's: tags of gateways, answers of calendars, more prefixes.
//!
//! Each string is a list, its entries separated by `|`, in lower case.

/// Prefixes that mail programs put before the subject of a reply or a forward, in languages without a file of phrases.
pub(super) const OTHER_PREFIXES: &[(&str, &str)] = &[
    ("ar", "رد|الرد|إعادة توجيه|تحويل"),
    ("bg", "отг|отговор|препр|препратено"),
    ("cy", "atb"),
    ("et", "vs|vastus|edasi"),
    ("fa", "پاسخ"),
    ("he", "תשובה|השב|הועבר"),
    ("id", "bls|balas|balasan|trs|terusan|trskn"),
    ("is", "svar|fs|framsent"),
    ("lt", "ats|atsakymas|persiųsta|persiunčiama"),
    ("lv", "atb|atbilde|pārs|pārsūtīts"),
    ("th", "ตอบ|ตอบกลับ|ส่งต่อ"),
    ("vi", "trả lời|tl|chuyển tiếp"),
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
