//! Out-of-office notes in many languages, as opposed to people who write that they are away.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::truncate;
use super::pattern::pattern;

// A note says what matters at its beginning.
const MAX_ITEMS: usize = 3000;

/// Whether the subject is one that mailboxes give to absence notes. A "Re:" before it means that a person answers one.
pub(super) fn subject_says_away(subject: &str) -> Option<String> {
    static AWAY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^\W{0,3}(?:
                (?:i\ am\ |i'm\ |currently\ )?out\ of\ (?:the\ |my\ )?office | ooo | oof | (?:i\ am\ |i'm\ )?(?:on|annual|parental|maternity|paternity|sick)\ (?:annual\ |parental\ |maternity\ |paternity\ |sick\ )?(?:leave|vacation|holiday)
              | (?:vacation|holiday)\ re | vacation\ (?:reply|response|notice|message) | away\ from\ (?:the\ |my\ )?(?:office|desk|mail) | absence\ (?:notice|notification|message)
              | abwesenheits?\p{L}* | abwesend | außer\ haus | nicht\ im\ (?:büro|haus) | (?:ich\ bin\ )?(?:im|in)\ (?:urlaub|elternzeit|mutterschutz) | urlaubs\p{L}*
              | absen(?:ce|t|te)(?:\ (?:d[ue]\ bureau|temporaire|prolongée))? | (?:message|réponse)\ d'absence | en\ (?:congés?|vacances) | hors\ du\ bureau
              | fuera\ de\ (?:la\ )?oficina | ausencia(?:\ (?:temporal|de\ la\ oficina))? | ausente | de\ vacaciones
              | fuori\ (?:sede|ufficio) | assen(?:za|te)(?:\ (?:temporanea|dall'ufficio|dal\ lavoro))? | in\ ferie
              | fora\ do\ escritório | ausência(?:\ (?:temporária|do\ escritório))? | de\ férias
              | afwezig\p{L}* | niet\ (?:op\ kantoor|aanwezig) | buiten\ kantoor | op\ vakantie
              | nieobecno\p{L}*(?:\ w\ (?:biurze|pracy))? | poza\ biurem | urlop | jestem\ na\ urlopie
              | frånvar\p{L}*(?:\ från\ kontoret)? | ej\ på\ kontoret | inte\ på\ kontoret | semester | på\ semester
              | fravær\p{L}*(?:\ fra\ kontoret)? | ikke\ på\ kontoret | ute\ av\ kontoret | ferie | på\ ferie | borte\ fra\ kontoret
              | poissa(?:olo\p{L}*)? | poissa\ toimistosta | lomalla | loma(?:viesti)?
              | (?:я\ )?(?:в\ отпуске|вне\ офиса|отсутств\p{L}*) | нет\ на\ месте
            )(?:\s*$|\s*[:;–—|()\[\]!.,/-]|\s(?:re|aw|sv|odp|until|till|from|reply|auto\w*|message|notification|notice|response|through|bis|vom|ab|von|zum|wegen|au|du|le|jusqu\p{L}*|hasta|del|al|desde|dal|fino|até|tot|van|t/m|do|od|till|til|fra|från|\d))",
        )
    });
    AWAY.find(subject).map(|found| found.as_str().to_owned())
}

/// Whether the subject begins as automatic answers do: "Automatic reply: …".
pub(super) fn subject_says_automatic(subject: &str) -> Option<String> {
    static AUTOMATIC: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^\W{0,3}(?:
                auto(?:matic|mated|mated\ e-?mail)?[\ -]?(?:reply|response|respon[ds]er|answer|acknowledg\w+) | autoreply | autoresponse
              | automatische\ (?:antwort|e-?mail|rückmeldung|eingangsbestätigung) | automatische\ abwesenheit\p{L}* | autom\.\ antwort
              | réponse\ automatique | respuesta\ automática | contestación\ automática | risposta\ automatica | resposta\ automática
              | automatisch\ antwoord | automatische\ reactie | automatyczna\ odpowiedź | odpowiedź\ automatyczna | autoodpowiedź
              | automatiskt\ svar | autosvar | automatisk\ svar | automaattinen\ (?:vastaus|poissaoloviesti) | automaattivastaus
              | автоматический\ ответ | автоответ\p{L}*
            )(?:\s*$|\s*[:;–—|()\[\]!.,/-]|\s)",
        )
    });
    AUTOMATIC.find(subject).map(|found| found.as_str().to_owned())
}

/// The words in a body that say that its writer is away, be it a note or a person.
pub(super) fn says_away(new: &str) -> Option<String> {
    static AWAY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:
                out\ of\ (?:the\ |my\ )?office | (?:away|absent)\ from\ (?:the\ |my\ )?(?:office|desk|e-?mail|work) | (?:on|taking)\ (?:an?\ )?(?:annual|parental|maternity|paternity|sick|medical|family)?\s?(?:leave|vacation|holidays?|pto|sabbatical)\b | not\ in\ the\ office | (?:i|we)(?:\ am|'m|\ are|\ will\ be)\ (?:currently\ )?(?:away|travell?ing|unavailable|ooo)
              | (?:nicht|außer)\ (?:im\ )?(?:büro|haus|hause) | abwesend | (?:im|in)\ (?:\p{L}+\ )?(?:urlaub|elternzeit|mutterschutz) | nicht\ (?:erreichbar|anwesend|am\ arbeitsplatz) | abwesenheit
              | absent(?:e)? | en\ (?:congés?|vacances|déplacement) | hors\ d[ue]\ bureau | congé\ (?:maternité|parental)
              | fuera\ de\ (?:la\ |mi\ )?oficina | de\ vacaciones | ausente | no\ (?:estoy|estaré)\ (?:disponible|en\ la\ oficina) | de\ baja\ (?:médica|maternal|por)
              | fuori\ (?:sede|ufficio) | in\ ferie | assente
              | fora\ do\ escritório | de\ férias | ausente | em\ (?:férias|licença)
              | afwezig | niet\ (?:op\ kantoor|aanwezig|bereikbaar) | (?:op|met)\ (?:vakantie|verlof|zwangerschapsverlof)
              | poza\ biurem | na\ urlopie | nieobecn\p{L}*
              | (?:inte|ej)\ på\ kontoret | på\ semester | föräldraledig\p{L}* | frånvarande | tjänstledig
              | ikke\ på\ kontoret | ute\ av\ kontoret | på\ ferie | ferie | i\ permisjon | på\ barsel | borte\ fra\ kontoret
              | poissa | lomalla | toimistolta
              | в\ отпуске | вне\ офиса | отсутству\p{L}* | нет\ на\ рабочем
            )\b",
        )
    });
    AWAY.find(truncate(new, MAX_ITEMS)).map(|found| found.as_str().to_owned())
}

/// Whether a body alone is an out-of-office note: the sender is away, and nothing in it answers us.
pub(super) fn body(new: &str) -> Option<String> {
    static NOTES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:
                (?:limited|no|intermittent|sporadic|restricted|infrequent|little|irregular)\ (?:\w+\ ){0,2}(?:access|connectivity) | (?:not|won't)\ (?:be\ )?(?:checking|reading|monitoring|have\ access|able\ to\ (?:read|check|access))
              | (?:for|in\ case\ of|if\ you\ (?:have|need)|if\ (?:this|it|your\ \w+)\ is|in)\ (?:\w+\ ){0,3}(?:urgent|immediate|emergenc\w+|urgency|pressing|assistance)
              | (?:respond|reply|get\ back|answer|attend|read|return)\ (?:to\ )?(?:\w+\ ){0,4}(?:upon|on|when|after|once)\ (?:my|i|our|we)\ (?:return|am\ back|'m\ back|get\ back|are\ back)
              | (?:your|this)\ (?:e-?mail|message)\ (?:will\ not|won't|is\ not)\ (?:be\ )?(?:automatically\ )?(?:forwarded|read|answered)
              | (?:in|bei)\ (?:dringenden|eiligen|wichtigen)\ (?:\p{L}+) | (?:ihre|deine|die)\ (?:e-?mail|nachricht|mail)s?\ (?:wird|werden)\ (?:\p{L}+\ ){0,3}(?:nicht\ )?(?:weitergeleitet|gelesen|bearbeitet) | (?:nach|bei)\ meiner\ (?:rückkehr|rückkunft) | keinen\ (?:zugriff|zugang) | (?:wenden|kontaktieren)\ sie\ sich?\ (?:bitte\ )?(?:in\ )?
              | (?:en|pour\ toute)\ (?:cas\ d'urgence|urgence|demande\ urgente) | (?:à|dès)\ mon\ retour | accès\ limité | (?:ne\ sera|sera)\ pas\ (?:transféré|redirigé)
              | (?:en\ caso\ de|para\ (?:temas|asuntos|cualquier))\ (?:urgenci\p{L}*|urgentes?) | (?:a|cuando)\ (?:mi\ (?:regreso|vuelta)|regrese|vuelva) | acceso\ limitado
              | (?:in\ caso\ di|per)\ (?:urgenz\p{L}*|questioni\ urgenti|emergenz\p{L}*|comunicazioni\ urgenti) | al\ mio\ (?:rientro|ritorno) | accesso\ limitato
              | (?:em\ caso\ de|para\ assuntos|caso\ seja)\ (?:urgênci\p{L}*|urgentes?) | no\ meu\ (?:regresso|retorno) | acesso\ limitado
              | (?:voor|bij|in)\ (?:dringende|spoed\p{L}*|urgente)\ ?\p{L}* | (?:na|bij)\ mijn\ terugkomst | beperkt\ (?:toegang|bereikbaar) | uw\ (?:e-?mail|bericht)\ wordt\ niet
              | w\ (?:sprawach\ pilnych|pilnych\ sprawach|razie\ pilnych) | po\ (?:moim\ )?powrocie | ograniczony\ dostęp
              | (?:vid|i)\ (?:brådskande|akuta|hastesaker|hastende|presserende|akutte)\ \p{L}* | (?:när\ jag\ är|når\ jeg\ er)\ (?:tillbaka|tilbake|tilbage) | begränsad\ tillgång | begrenset\ tilgang | begrænset\ adgang | ved\ (?:hastesaker|akutte|presserende|hastende)
              | (?:lese|lees|läser|leser|læser|leggo|leo|leio|lis|czytam)\ (?:\p{L}+\ ){0,2}?(?:(?:e-?)?mails?|e-?post\p{L}*|mejl|nachrichten|correos?|posta|messages|poczt\p{L}*|berichten)\ (?:\p{L}+\ )?(?:nicht|niet|inte|ikke) | (?:läser|leser|læser)\ (?:inte|ikke)\ (?:\p{L}+\ ){0,2}(?:mails?|mejl\p{L}*|e-?post\p{L}*|meldinger|beskeder) | ved\ (?:\p{L}*haste\p{L}*|akut\p{L}*)
              | (?:ne\ (?:lis|consulte|consulterai)|no\ (?:leo|leeré|reviso)|non\ (?:leggo|leggerò)|não\ (?:leio|lerei)|nie\ (?:czytam|odbieram)|en\ lue)\ (?:\p{L}+\ ){0,3}(?:mails?|e-?mails?|messages?|correos?|posta|messaggi|mensagens|poczt\p{L}*|wiadomości|sähköposti\p{L}*)
              | kiireelli\p{L}* | palattuani | (?:по\ срочным|в\ срочных|по\ неотложным)\ \p{L}* | после\ (?:моего\ )?возвращения | отвечу\ (?:вам\ )?(?:после|по)
            )",
        )
    });
    static OPENS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:thank\ you\ for\ (?:your\ (?:e-?mail|message|mail|note)|contacting|reaching\ out|e-?mailing)|thanks\ for\ your\ (?:e-?mail|message|mail)|(?:vielen\ dank|danke)\ für\ (?:ihre|deine|die|eure)\ (?:e-?mail|nachricht|mail|anfrage)
              |merci\ (?:pour|de)\ votre\ (?:message|mail|e-?mail|courriel)|(?:j'ai\ bien\ reçu|nous\ avons\ bien\ reçu)|gracias\ por\ (?:su|tu)\ (?:correo|mensaje|e-?mail)|grazie\ per\ (?:la\ (?:sua|tua|vostra)\ (?:e-?mail|mail)|il\ (?:suo|tuo)\ messaggio)|obrigad[oa]\ pel[oa]\ (?:seu|sua|teu|tua)\ (?:e-?mail|mensagem|contacto|contato)
              |(?:bedankt|dank)\ (?:u\ )?voor\ (?:uw|je|jouw)\ (?:e-?mail|mail|bericht)|dziękuję\ za\ (?:wiadomość|e-?maila?|kontakt)|tack\ för\ (?:ditt|ert)\ (?:mail|mejl|meddelande)|tak(?:k)?\ for\ (?:din|deres|e-?posten|mailen|din\ mail|henvendelsen)|kiitos\ (?:viestistä\p{L}*|sähköpostistasi)|спасибо\ за\ (?:ваше\ )?(?:письмо|сообщение|обращение))",
        )
    });
    let start = new.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = truncate(&start, MAX_ITEMS);
    let away = says_away(start).or_else(|| closed(start)).or_else(|| cut_off(start))?;
    let opens = OPENS.find(start).is_some_and(|found| found.start() < 80);
    // What is done on the return may be said by a person, too.
    let note = NOTES.find_iter(start).any(|found| !RETURN.is_match(found.as_str()));
    let timed = || (NOTES.is_match(start) || opens && BACK_OR_UNTIL.is_match(start)) && !ANSWERS.is_match(start);
    ((note || timed()) && !is_human_reply(start)).then_some(away)
}

// "Our office is closed until Monday."
fn closed(start: &str) -> Option<String> {
    static CLOSED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:(?:office|offices|business|company|we)\ (?:is|are|will\ be)\ (?:\w+\ )?closed
              |(?:büro|betrieb|firma|geschäft)\ (?:ist|bleibt|hat)\ (?:[^\s.]+\ ){0,8}?geschlossen
              |(?:bureaux?|société|entreprise)\ (?:\p{L}+\ )?(?:est|sont|sera|seront)\ (?:\p{L}+\ )?fermé\p{L}*
              |(?:oficinas?|escritório)\ (?:\p{L}+\ )?(?:está\p{L}*|permanecerá\p{L}*)\ (?:cerrad|fechad)\p{L}+
              |uffici\p{L}?\ (?:è|sono|sarà|saranno|resterà|resteranno)\ chius\p{L}
              |kantoor\ is\ (?:[^\s.]+\ ){0,6}?gesloten
              |biuro\ (?:jest|będzie)\ (?:[^\s.]+\ ){0,4}?(?:nieczynne|zamknięte)
              |kontoret\ (?:är|er|holder)\ (?:[^\s.]+\ ){0,4}?(?:stängt|stengt|lukket))\b",
        )
    });
    CLOSED.find(start).map(|found| found.as_str().to_owned())
}

// "I have limited access to e-mail. For urgent matters …": each alone a person writes, too.
fn cut_off(start: &str) -> Option<String> {
    static ACCESS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:(?:limited|no|intermittent|restricted)\ (?:\w+\ ){0,2}access\ to\ (?:my\ )?e-?mails?|(?:keinen|eingeschränkten|nur\ begrenzten?)\ (?:zugriff|zugang)\ (?:zu|auf)\ (?:meine\p{L}?\ )?(?:e-?mails?|mails?)|accès\ limité\ à\ m|acceso\ limitado\ al?\ |accesso\ limitato\ all|acesso\ limitado\ a)",
        )
    });
    static URGENT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:for|in\ case\ of|bei|in|en\ cas|pour\ toute|en\ caso|para|per|in\ caso|em\ caso)\ (?:\S+\ ){0,2}(?:urgen|emergenc|dringend)",
        )
    });
    let found = ACCESS.find(start)?;
    URGENT.is_match(start).then(|| found.as_str().to_owned())
}

static RETURN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"return|back|rückk|retour|regres|vuel|rientro|ritorno|retorno|terugkomst|powroc|tillbaka|tilbak|palattuani|возвращ|после|по$",
    )
});

// A sender who will look into our message has read it.
static ANSWERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:discuss|look\ (?:at|into)|review|check\ (?:with|it)|(?:talk|speak)\ (?:to|with)|consider|think\ about|bespreche\p{L}*|schaue?|kläre|ansehen|anschauen|parlerai|en\ parle\p{L}*|regarde\p{L}*|hablo|hablaré|comento|comentaré|reviso|revisaré|miro|parlo|parlerò|valuto|guardo|falo|falarei|vejo|analiso|bekijk|overleg\p{L}*|bespreek|przejrzę|porozmawiam|omówię|tittar|pratar|återkommer|snakker|ser\ på|taler|kigger|katson|keskustelen|посмотрю|обсужу|поговорю)\b",
    )
});

static BACK_OR_UNTIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:return\w*|back\ (?:on|in|at)|until|till|from\ .{3,40}\ to|bis|zurück|wieder|jusqu\p{L}*|retour|hasta|regres\p{L}*|vuel\p{L}*|fino|rientr\p{L}*|até|retorn\p{L}*|regresso|tot|terug|do\ dnia|wrac\p{L}*|wrócę|t\.?o\.?m|tillbaka|tilbake|tilbage|asti|saakka|palaan|takaisin|до|верн\p{L}*)\b",
    )
});

/// Whether a person answers us: asks, agrees, declines, proposes. Notes do none of that.
pub(super) fn is_human_reply(text: &str) -> bool {
    static ENGAGES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:let's|let\ us|interested|sounds\ (?:good|great|interesting)|happy\ to|would\ love|love\ to|could\ (?:you|we)|can\ (?:you|we)|shall\ we|how\ about|what\ about|works\ for\ me|send\ (?:me|over|us|it)|share\ (?:more|your|the)|call\ me|ping\ me|reach\ (?:back\ )?out\ (?:again|then|to\ me)|follow\ up\ (?:with\ me|then|again)|circle\ back|try\ me|talk\ (?:then|next|soon)|catch\ up|schedule|book\ (?:a|some)|calendar|not\ a\ fit|good\ luck|handles\ this|no\ thanks|not\ for\ us|remove\ me|unsubscribe|sorry\ for\ the\ (?:late|delay\w*|slow)|sorry\ (?:i|for)|i\ was\ (?:out|away|on)|just\ (?:got|came)\ back|pricing|demo|budget|your\ (?:product|offer|proposal|question|tool|price)
              |interess(?:e|iert|ant)|können\ wir|melden\ sie\ sich\ (?:danach|dann|gern\p{L}*)|passt|lassen\ sie\ uns|schicken\ sie|reden\ wir|sprechen\ wir|telefonieren\ wir|hören\ wir\ uns|rufen\ sie\ mich|intéress\p{L}*|d'accord|rappelez|volontiers|recontactez|me\ interesa|interesad\p{L}*|podemos|llám\p{L}*|interessat\p{L}*|possiamo|sentiamoci|interessad\p{L}*|podemos|vamos|geïnteresseerd|kunnen\ we|zullen\ we|zainteresowan\p{L}*|proszę\ o\ (?:kontakt|telefon)\ po|możemy|intresserad\p{L}*|kan\ vi|interessert|interesseret|voimmeko|kiinnosta\p{L}*|интерес\p{L}*|давайте|созвонимся)\b",
        )
    });
    // "Can you" is asked of us, or it says whom to turn to in the meantime.
    static ASKS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:gerne|können\ sie|pouvez-vous|pourriez|podría\p{L}*|puede\p{L}*|può|potete|potrebbe|pode(?:ria|m)?|kunt\ u|kun\ je|kan\ du|kan\ ni|voitko|voitte|można|może\p{L}*|можете|можно)\b",
        )
    });
    static MEANWHILE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:urgent\p{L}*|urgenc\p{L}*|urgenz\p{L}*|urgênci\p{L}*|dringend\p{L}*|eilig\p{L}*|notfäll\p{L}*|notfall|spoed\p{L}*|piln\p{L}*|brådskande|akut\p{L}*|\p{L}*haste\p{L}*|presserende|kiireelli\p{L}*|срочн\p{L}*|неотложн\p{L}*|absence|abwesenheit|ausencia|assenza|ausência|afwezigheid|nieobecnoś\p{L}*|frånvaro|fravær|poissaollessa\p{L}*|vertret\p{L}*|kolle?g\p{L}*|coll[eè]g\p{L}*|entre-temps|zwischenzeit|mientras\ tanto|nel\ frattempo|entretanto|ondertussen|tymczasem|under\ tiden|i\ mellomtiden|imens)\b",
        )
    });
    text.contains('?')
        || ENGAGES.is_match(text)
        || text.split_inclusive(['.', '!']).any(|sentence| ASKS.is_match(sentence) && !MEANWHILE.is_match(sentence))
}
