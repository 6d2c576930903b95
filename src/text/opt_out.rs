//! Hearing a lead who wants no more mail. Recall comes first: a lead who is taken for one who opted out gets no automatic
//! reply, which a teammate can still send; an unwanted reply cannot be taken back.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::truncate;
use super::new_text;
use super::opt_out_phrases;
use super::pattern::pattern;

/// At most this many bytes are searched.
const MAX_BYTES: usize = 64 * 1024;

/// The words with which the sender asks for no more mail, if they do.
///
/// `body` is the new text of a message, or a preview; quoted text and signatures in it are ignored, so that the
/// footer of our own mail opts nobody out.
pub fn opt_out(subject: Option<&str>, body: &str) -> Option<String> {
    let new = new_text(Some(truncate(body, MAX_BYTES)), None);
    in_body(&new).or_else(|| subject.and_then(in_subject))
}

/// Whether these words, which are known to be the sender's, ask for no more mail.
pub(super) fn is_opt_out(words: &str) -> bool {
    in_body(words).is_some()
}

fn in_body(text: &str) -> Option<String> {
    let text = text.replace(['’', '‘', '´', '`', 'ʼ'], "'");
    if let Some(found) = ALONE.find(&text) {
        return Some(found.as_str().trim().to_owned());
    }
    // Lines are wrapped anywhere, so only sentence ends and blank lines separate sentences.
    text.split("\n\n")
        .flat_map(|paragraph| {
            let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            sentences(&paragraph)
        })
        .find_map(|sentence| in_sentence(&sentence))
}

fn sentences(paragraph: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut sentence = String::new();
    for c in paragraph.chars() {
        sentence.push(c);
        if matches!(c, '.' | '!' | '?' | ';' | '…' | '。') {
            out.push(std::mem::take(&mut sentence));
        }
    }
    out.push(sentence);
    out
}

fn in_sentence(sentence: &str) -> Option<String> {
    // "I did not consent to this. Stop."
    if let Some(found) = ALONE.find(sentence).filter(|_| !sentence.contains('?')) {
        return Some(found.as_str().trim().to_owned());
    }
    if let Some(found) = DIRECT.iter().find_map(|words| words.find(sentence)) {
        let rest = sentence.get(found.end()..).unwrap_or_default();
        let before = sentence.get(..found.start()).unwrap_or_default();
        if !(tells(before, found.as_str()) || ONLY_FOR_NOW.is_match(rest) || DENIED.is_match(before)) {
            return Some(found.as_str().trim().to_owned());
        }
    }
    if let Some((at, words)) = opt_out_phrases::find_in_sentence(sentence) {
        let before = sentence.get(..at).unwrap_or_default();
        let rest = sentence.get(at + words.len()..).unwrap_or_default();
        if !(tells(before, words) || ONLY_FOR_NOW.is_match(rest) || NOT_YET.is_match(before)) {
            return Some(words.trim().to_owned());
        }
    }
    let found = MENTION.find(sentence)?;
    let before = sentence.get(..found.start()).unwrap_or_default();
    let about_others = OTHERS.is_match(sentence) && !MYSELF.is_match(sentence);
    if about_others || DENIED.is_match(before) { None } else { Some(found.as_str().trim().to_owned()) }
}

// Whether the words tell of what is, and ask for nothing.
fn tells(before: &str, words: &str) -> bool {
    let told = (FORBIDS.is_match(words) || DONE.is_match(words)) && STATED.is_match(before);
    let missing = RECEIVED.is_match(words) && NOT_YET.is_match(before);
    told || missing || (STOPS.is_match(words) && WILL_NOT.is_match(before))
}

fn in_subject(subject: &str) -> Option<String> {
    static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^\s*((?:re|aw|antw|antwort|sv|vs|odp|rv|r|res|fw|fwd|wg|tr|ref|отв?)\s?(\[\d+\])?:\s*)+")
    });
    let bare = PREFIX.replace(truncate(subject, 2048), "");
    if let Some(found) = ALONE.find(&bare) {
        return Some(found.as_str().trim().to_owned());
    }
    // What stands after "Re:" are our words, unless they are as plain as the ones above.
    if bare.len() == subject.len() { in_sentence(&bare) } else { None }
}

// The whole text is nothing but this.
static ALONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[\W_]*(?:(?:hi|hello|hey|dear|hallo|bonjour|hola|ciao|olá|hej|hei)\b[^\n.!?]{0,30}[\s,.!]+)?(?:please\W+|pls\W+|plz\W+|bitte\W+(?:sofort\W+|umgehend\W+)?|por\ favor\W+|per\ favore\W+|merci\ de\W+|proszę\W+)?
          (?:stop|stop\ (?:it|this|now|mails?|emails?|e-mails?|spam(?:ming)?|spamming)|remove|remove\ (?:me|us|this)|unsubscribe|unsub|unsubscribed|opt[\ -]?out|end|quit|cancel|no\ more|enough|spam|this\ is\ spam|leave\ me\ alone|go\ away|delete|delete\ me|out
            |take\ me\ off|f+u+c*k+\ (?:off|you)|abmelden|abmeldung|abbestellen|austragen|löschen|stopp|désabonner|désabonnement|désinscription|désinscrire|arrêtez|arretez|supprimer|baja|dar\ de\ baja|darse\ de\ baja|eliminar|basta|cancella|cancellami
            |rimuovi|rimuovere|disiscrivi|disiscrivimi|sluta|slutt|hold\ op|lopettakaa|hou\ op|ophouden|przestańcie|proszę\ przestać|dość|aufhören|schluss|hören\ sie\ auf|ça\ suffit|basta\ ya|paren|cancellazione|remover|descadastrar|sair|parar|pare|uitschrijven|afmelden|verwijderen|wypisz|wypisać|rezygnacja|rezygnuję|usuń|avregistrera|avsluta|avmeld|avmelding|afmeld|avanmäl|slett|slet|fjern|peruuta|poista|lopeta
            |отписаться|отписка|отпишите|удалите|удалить|стоп|хватит|отстаньте)
          (?:\W+(?:please|pls|plz|me|now|bitte|danke|merci|thanks|thank\ you|thx|gracias|por\ favor|grazie|obrigad[oa]|tack|takk|tak|kiitos|dziękuję|спасибо))*[\W_]*(?:\n[^\n]{0,40}){0,3}$",
    )
});

// Asked of us, about the writer's own address.
static DIRECT: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // English
        r"\bremove\ (?:me\b|us\b|(?:this|my|our|the\ following)\ (?:\w+\ ){0,2}(?:names?|e-?mails?|address(?:es)?|info(?:rmation)?|details|data|contacts?|company|domain|account|number|record|inbox|mailbox|id)\b)
          |\bremoved?\ (?:\w+\ ){0,4}from\ (?:\w+\ ){0,3}(?:list|lists|mailing|mailings|database|db|crm|distribution|campaign|sequence|outreach|e-?mails?)\b
          |\b(?:take|get|leave|strike|cross|scrub|drop|keep)\ (?:me|us|my\ (?:\w+\ ){0,2}\w+|this\ (?:\w+\ ){0,2}\w+)\ (?:off|out\ of|from)\b(?:\ of)?(?:\ (?:\w+\ ){0,3}(?:list|lists|mailings?|database|crm|campaign|sequence|radar|funnel|pipeline|cadence|records|e-?mails?)\b)
          |\b(?:take|get)\ (?:me|us)\ off\b
          |\boff\ (?:of\ )?(?:your|this|the)\ (?:\w+\ ){0,2}(?:list|mailing|database|sequence)
          |\b(?:stop|stopped|quit|cease|ceased|refrain\ from|discontinue|no\ more|halt)\ (?:all\ |any\ |with\ |the\ |these\ |this\ |your\ |further\ |future\ |from\ )*(?:e-?mailing|mailing|contacting|messaging|writing|spamming|bothering|harassing|pestering|bugging|soliciting|reaching\ out|following\ up|contact\b|follow[\ -]?ups?\b|pitch\w*|calls?\b|e-?mails?\b|messages?\b|spam\b|mails?\b|communications?\b|correspondence|outreach|solicitations?)
          |\b(?:stop|quit|cease)\ sending\b(?:\ (?:\w+\ ){0,3}(?:me|us|e-?mails?|mails?|messages?|these|this|those|spam|stuff|anything|things|it|follow-?ups?)\b)
          |\b(?:do\ not|don'?t|never|not\ to|pls\ no)\ (?:ever\ |please\ )?(?:e-?mail|contact|message|write|send|spam|mail|bother|reach\ out|call|text|disturb|solicit|follow\ up)\b(?:\ (?:to\ |with\ )?(?:me|us|this\ (?:e-?mail|address|account|inbox)|my|our|again|any\ ?more|any\ (?:more|further|longer)|here|back)\b)
          |\b(?:do\ not|don'?t|never)\ (?:e-?mail|contact|spam|solicit|disturb|follow\ up|reach\ out|write|message|call)\b(?:\W*$|\ (?:any(?:one|body)|[^.]{0,60}\bagain\b))
          |\b(?:ask|asked|asking|tell|telling|told|beg|begging|warned|warning)\ you\ (?:\w+\ ){0,3}to\ stop\b|\bdon'?t\ use\ (?:it|this|my\ \w+)\ again\b|\bno\ need\ to\ (?:e-?mail|contact|write|message|follow\ up|reach\ out|get\ in\ touch)(?:\ \w+){0,3}?\ (?:again|further|any\ ?more|any\ longer)\b
          |\b(?:your|these|the|such)\ (?:\w+\ ){0,2}(?:e-?mails?|messages?|mails?|outreach)\ (?:is|are)\ (?:not\ (?:welcome|wanted|appreciated)|unwelcome|unwanted|unsolicited|harassment)\b|\b(?:last|final)\ warning\b|\bnot\ (?:to\ be|be)\ (?:contacted|e-?mailed)\b
          |\b(?:do\ not|don'?t)\ send\ (?:any\ )?(?:more|further|future|these|those|such|unsolicited)\b
          |\b(?:no\ (?:longer|more)|not|never|don'?t|didn'?t)\ (?:\w+\ ){0,3}?(?:wish|want|like|care|need|agree|consent|ask|sign(?:ed)?\ up)\ (?:to\ )?(?:\w+\ ){0,2}?(?:receiv\w*|get|hear|be\ (?:contacted|e-?mailed|on|bothered|included)|for\ (?:these|this|your)|(?:any\ )?(?:more\ |further\ )?(?:e-?mails?|mails|messages|communications?|solicitations?)\b)
          |\b(?:no|not\ any)\ (?:more|further|future|additional)\ (?:\w+\ ){0,2}(?:e-?mails?|messages?|mails?|contact|communications?|correspondence|solicitations?|follow-?ups?|outreach)\b
          |\bleave\ (?:me|us)\ (?:alone|be)\b|\blose\ my\ (?:e-?mail|number|address|contact|info)|\b(?:delete|erase|purge)\ (?:me\b|us\b|(?:all\ )?(?:of\ )?(?:my|our)\ (?:\w+\ ){0,2}(?:data|info\w*|details|e-?mails?|address\w*|contacts?|records?|name|number)\b)
          |\b(?:right\ to\ (?:be\ forgotten|erasure)|(?:gdpr|ccpa|data)\ (?:\w+\ ){0,2}(?:request|erasure|deletion|removal|complaint)|withdraw\ (?:my\ )?consent|cease\ and\ desist|do[\ -]not[\ -](?:contact|e-?mail|mail|call)\ list|can-?spam)\b
          |\b(?:fuck|piss|bugger|f\*+k?|sod)\ off\b|\breceive\ nothing\ (?:further|more|else)\b|\b(?:block|exclude|unlist|deregister)\ (?:me|us)\b|\bget\ lost\b|\bgo\ away\b|\b(?:report(?:ed|ing)?|mark(?:ed|ing)?|flag(?:ged|ging)?|block(?:ed|ing)?)\ (?:\w+\ ){0,4}(?:as\ (?:spam|junk|phishing)|spam)\b|\bthis\ is\ (?:\w+\ )?spam\b|\bno[\ -]solicit\w+|\bi\ want\ out\b\W*$|\bget\ rid\ of\ (?:me|us|my|our)\b|\bmake\ (?:it|this|them)\ stop\b|\bno\ means\ no\b|^\W*(?:please\ )?cancel\ (?:my|our)\ (?:\w+\ )?subscription\b|\b(?:do\ not|don'?t)\ send\ (?:me\ |us\ )?(?:any\ ?more\b|any(?:thing)?\ (?:else|more|further))|\bsuppress\ (?:me|us|my|our|this)\b|\b(?:e-?mail|contact|write|message)\ (?:to\ )?(?:me|us)\ (?:one\ more\ time|again)\b.{0,40}?\b(?:block|report|lawyer|legal|sue|spam)|\bi(?:'ll|\ will|\ shall|'m\ going\ to)\ (?:\w+\ )?(?:block|report|flag|blacklist)\ (?:you|your|this|the)\b
          |\b(?:un-?subscribe|unsub|opt[\ -]?out|opt)\ (?:me|us|my|this\ (?:e-?mail|address)|out\ of\ (?:this|your|these|all))\b|\bi(?:'d|\ would|\ want|\ wish|\ need|'m|\ am)?\ (?:\w+\ ){0,4}(?:opt(?:ing)?[\ -]?out|unsubscrib\w+)\b|\bblacklist\ (?:me|us|my|this)|\b(?:please|pls|plz|just)\ (?:just\ )?(?:stop|remove|delete|discontinue|cease|desist)\b\W*$|\bunsolicited\ (?:\w+\ )?(?:e-?mails?|mails?|messages?|communications?|offers?)\b|\b(?:stop|cut)\ it\ out\b|\bnot\ contact\ (?:me|us)\b|\benough\ (?:with|of)\ (?:\w+\ ){0,2}(?:e-?mails?|mails?|messages|spam)\b",
        // German
        r"\bnicht\ (?:\p{L}+\ ){0,2}?(?:mehr|weiter|länger)\ (?:\p{L}+\ ){0,6}?(?:kontakt\p{L}*|anschreib\p{L}*|angeschrieben|schreib\p{L}*|belästig\p{L}*|anruf\p{L}*|mail\p{L}*|zu\p{L}*send\p{L}*|zuschick\p{L}*|schick\p{L}*|send\p{L}*|erhalten|bekommen)|\bnicht\ mehr\W*$
          |\b(?:kontaktieren|schreiben|mailen|belästigen)\ sie\ (?:mich|mir|uns)\ (?:bitte\ )?(?:nicht|nie)\b|\b(?:kontaktier|schreib)\p{L}{0,3}\ (?:mich|mir|uns)\ (?:bitte\ )?(?:nicht|nie)\b
          |\bkeine(?:rlei)?\ (?:\p{L}+\ ){0,2}?(?:e-?mails?|mails?|nachrichten|werbung|werbe\p{L}*|kontaktaufnahme\p{L}*|anfragen|zusendung\p{L}*|newsletter|post|angebote)\b(?:\ (?:\p{L}+\ ){0,3}(?:mehr|senden|schicken|zusenden|zuschicken|erhalten|bekommen|wünsch\p{L}*|von\ (?:ihnen|dir|euch))|\W*$)
          |\bkeine[nr]?\ (?:weitere[nr]?|mehr)\ (?:\p{L}+\ ){0,2}?(?:e-?mails?|mails?|nachrichten|anfragen|kontakt\p{L}*|zusendung\p{L}*|werbung)|\b(?:von|aus)\ (?:\p{L}+\ ){0,2}(?:verteiler|liste|mailingliste|datenbank|kartei|system)\ (?:\p{L}+\ ){0,3}?(?:raus|heraus\p{L}*|(?:raus)?nehmen|genommen|streichen|gestrichen|aus(?:zu)?tragen|entfern\p{L}*|(?:ge)?lösch\p{L}*)
          |\b(?:raus|nehm\p{L}*|nimm|streich\p{L}*|entfern\p{L}*|lösch\p{L}*)\ (?:\p{L}+\ ){0,5}?(?:von|aus)\ (?:\p{L}+\ ){0,2}(?:verteiler|liste|mailingliste|datenbank|kartei|system)\b
          |\b(?:lösch|entfern|streich|trag|nehm|nimm)\p{L}{0,4}\ (?:sie\ |bitte\ |mal\ ){0,3}(?:mich|uns|meine?n?|unsere?n?|alle\ meine|diese)\b|\b(?:meine?|unsere?)\ (?:\p{L}+\ ){0,2}(?:daten|adresse|e-?mail\p{L}*|mail\p{L}*|kontaktdaten)\ (?:\p{L}+\ ){0,3}(?:löschen|entfernen|gelöscht|austragen|streichen)
          |\blass(?:en|t)?\ (?:sie\ )?(?:mich|uns)\ (?:bitte\ )?in\ (?:ruhe|frieden)|\b(?:löschung|entfernung|streichung|austragung)\ (?:\p{L}+\ ){0,2}?(?:meiner|unserer|aller|aus)\b|\bvon\ (?:\p{L}+\ ){0,2}?(?:weiteren|jeglichen?|jeder|künftigen|zukünftigen|solchen)\ (?:\p{L}+\ ){0,2}?(?:kontakt|mail|e-mail|nachricht|anfrage|anschreiben|anruf|zusend|werb)\p{L}*\ (?:\p{L}+\ ){0,2}?(?:ab|abzusehen|absehen|abstand)\b|\b(?:\p{L}*adresse|daten|kontakt|kontaktdaten)\ (?:bitte\ )?(?:löschen|entfernen|streichen|austragen)\b|\bnie\ (?:erlaubt|zugestimmt|eingewilligt)\b|\bnicht\ (?:zugestimmt|eingewilligt)\b|\bkeine\ (?:einwilligung|zustimmung|erlaubnis)\ (?:\p{L}+\ ){0,4}(?:gegeben|erteilt)\b|\b(?:ich|wir)\ [^.,]{0,40}?\b(?:gelöscht|gestrichen|entfernt|ausgetragen)\ werden\b|\bnichts\ mehr\ (?:\p{L}+\ ){0,4}?(?:hören|lesen|erhalten|bekommen|wissen|schicken|senden)\b|\blassen\ sie\ (?:das|es)\ (?:bitte|sein|bleiben)\b\W*$|\bverschon\p{L}*\ (?:sie\ )?(?:mich|uns)\b|\bunterlass\p{L}*\b|\bhör\p{L}*\ (?:sie\ )?(?:bitte\ )?(?:auf|damit)\b|\b(?:mich|uns)\ (?:bitte\ )?(?:ab|aus)(?:melden|zutragen|tragen|bestellen)\b|\bwiderspr(?:eche|uch)\p{L}*\ (?:\p{L}+\ ){0,4}(?:nutzung|verarbeitung|werbung|daten)",
        // French
        r"\bne\ (?:me|nous|m'|plus)\ ?(?:\p{L}+\ )?(?:contact|écri|recontact|envoy|relanc|dérang|sollicit|harcel|adress|recev|contacter)\p{L}*|\bne\ (?:plus|pas)\ (?:\p{L}+\ ){0,3}?(?:me\ |nous\ |m'|être\ |en\ )?(?:contact|recev|envoy|écri|sollicit|relanc|dérang|recontact)\p{L}*|\bne\ m'\p{L}+\ plus
          |\b(?:cess|arrêt|arret)\p{L}*\ (?:\p{L}+\ ){0,2}?(?:de\ |d')(?:me\ |nous\ |m')?\p{L}+|\b(?:retir|supprim|enlev|effac|désinscri|desinscri|désabonn|desabonn|ray)\p{L}*[\ -](?:moi|nous|mon|ma|mes|notre|nos)\b|\b(?:me|nous|m')\ ?(?:retirer|supprimer|désinscrire|desinscrire|désabonner|desabonner|enlever|effacer|rayer)\b
          |\b(?:cess|arrêt|arret|stopp)\p{L}*\ (?:tous?|toutes?|vos|ces|les|votre|l'|cet?t?e?)\ ?(?:\p{L}+\ ){0,1}(?:envoi|mail|e-mail|message|sollicit|relance|courriel|prospection|communication)\p{L}*|\bm'oppose\b|\bêtre\ (?:retiré|supprimé|désinscrit|désabonné|radié)\p{L}*
          |\bplus\ (?:\p{L}+\ ){0,2}(?:recevoir|être\ (?:\p{L}+\ )?(?:contacté|sollicité|démarché|relancé|dérangé|importuné|prospecté))|\b(?:retir|supprim|enlev)\p{L}*\ (?:\p{L}+\ ){0,4}de\ (?:votre|vos|la|cette)\ (?:\p{L}+\ )?(?:liste|base|fichier)\p{L}*|\b(?:suppression|effacement|retrait)\ de\ (?:mes|nos|mon|notre|toutes\ mes)\b|\blaissez[\ -](?:moi|nous)\ tranquille|\bplus\ (?:de|aucun)\ (?:vos\ |tes\ |ces\ )?(?:mails?|e-?mails?|messages?|courriels?)",
        // Spanish
        r"\b(?:darme|darnos|dame|deme|denme|denos|désenos|dar(?:se|me)?|dadme|dar)\ (?:\p{L}+\ ){0,2}?de\ baja|\bdé(?:n)?(?:me|nos)\ de\ baja|\bme\ opongo\b|\bya\ basta\b|\bbasta\ de\ (?:\p{L}+\ ){0,2}?(?:correos?|mensajes|e-?mails?|mails?|spam)\b|\bser\ (?:eliminad|borrad|dad[oa]\ de\ baja)\p{L}*|\b(?:cesen|cese|dejen|deje)\ (?:con\ )?(?:los|sus|estos|el)\ (?:envíos?|correos?|mensajes|spam)|\b(?:la|mi|nuestra)\ baja\ (?:de|en|inmediata)\b|\b(?:eliminación|supresión|borrado|cancelación)\ de\ (?:todos\ )?(?:mis|nuestros|mi|nuestra)\b|\bdesuscri\p{L}*|\bdarme\ de\ baja|\bcancel\p{L}*\ (?:mi|la)\ (?:suscripción|suscripcion)
          |\bno\ (?:me|nos)\ (?:vuelva\p{L}*\ a\ )?(?:contact|escrib|enví|envi|mand|molest|llam)\p{L}*|\bno\ (?:deseo|quiero|queremos|deseamos|quisiera)\ (?:\p{L}+\ ){0,2}?(?:recib\p{L}*|que\ (?:me|nos)|más|ser\ contactad)|\bdej(?:e|en|a|ad|ar)\ de\ (?:\p{L}+)|\bno\ más\ (?:correos|emails|mensajes|mails)
          |\b(?:elimín|elimin|bórr|borr|quít|quit|sáqu|saqu|retír|retir|suprím|suprim)(?:a|e|en|ar)(?:me|nos)\b|\b(?:elimin|borr|quit|sac|retir|suprim)\p{L}*\ (?:\p{L}+\ ){0,2}?(?:mi|mis|nuestro|nuestros|nuestra)\b\ (?:\p{L}+\ ){0,2}?(?:correo|email|datos|dirección|direccion|contacto|nombre|e-mail)|\b(?:sácame|sáquenme|quítenme)\b",
        // Italian
        r"\b(?:cancell|rimuov|elimin|togli|disiscriv|disiscriv)(?:ate|a|e|i|ete|er|ar|er|)?(?:mi|ci|temi|teci|rmi|rci)\b|\b(?:cancell|rimuov|elimin)\p{L}*\ (?:\p{L}+\ ){0,2}?(?:mio|miei|mia|nostro|nostri|nostra)\b|\bdisiscri\p{L}*|\bmi\ oppongo\b|\bessere\ (?:rimoss|cancellat|eliminat|tolt|disiscritt)\p{L}|\bannull\p{L}*\ (?:\p{L}+\ ){0,2}?(?:l')?iscrizione
          |\bnon\ (?:\p{L}+\ ){0,2}?(?:contatt|scriv|invia|invi|mand|disturb)\p{L}*(?:mi|ci)\b|\bnon\ (?:mi|ci)\ (?:contatt|scriv|invi|mand|disturb)\p{L}*|\bnon\ (?:desidero|voglio|vogliamo|desideriamo|intendo)\ (?:più\ )?(?:\p{L}+\ )?(?:ricevere|essere|vostre)|\b(?:smett|smettete|smetta|smettila)\p{L}*\ (?:di|con)\ |\bnon\ ricevere\ più|\bbasta\ (?:con\ |di\ )?(?:le\ |queste\ |le\ vostre\ )?(?:e-?mail|mail|messaggi|spam)",
        // Portuguese
        r"\bser\ (?:removid|excluíd|retirad|descadastrad)\p{L}+|\b(?:exclusão|remoção|eliminação|cancelamento)\ d[oa]s?\ (?:meus?|minhas?|nossos?|nossas?)\b|\bdescadastr\p{L}*|\bdesinscre\p{L}*|\bcancel\p{L}*\ (?:a\ )?(?:minha\ )?(?:inscrição|subscrição|assinatura|cadastro)|\b(?:remov|retir|exclu|elimin|tir)\p{L}*-(?:me|nos)\b|\bme\ (?:remov|retir|exclu|tir|descadastr)\p{L}*|\b(?:remov|retir|exclu|apag|elimin)\p{L}*\ (?:o\ |a\ |os\ )?(?:meus?|minha|nossos?)\b
          |\bnão\ (?:me|nos)\ (?:contact|contat|envi|escrev|mand|incomod|perturb)\p{L}*|\bnão\ (?:\p{L}+\ ){0,1}(?:contact|contat|envi|escrev|mand)\p{L}*\ (?:\p{L}+\ ){0,3}(?:mais|me)\b|\bnão\ (?:desejo|quero|queremos|gostaria\ de|desejamos|tenho\ interesse\ em)\ (?:\p{L}+\ ){0,2}?receber|\bpar(?:e|em|ar)\ (?:de|com)\ (?:me\ |nos\ )?(?:envi|mand|contact|contat|escrev|os\ e-?mails)\p{L}*|\bdeix\p{L}*\ de\ (?:me\ |nos\ )?(?:envi|mand|contact|contat|escrev)\p{L}*",
        // Dutch
        r"\bverwijdert?\ (?:u\ )?(?:me|mij|ons|mijn|onze)\b|\b(?:schrijf|meld|haal|gooi|streep)t?\ (?:u\ )?(?:me|mij|ons|mijn|onze)\ (?:\p{L}+\ ){0,5}?(?:uit|af|weg|van\ (?:de|uw|jullie|deze)\ \p{L}*lijst)\b|\b(?:verwijderd|uitgeschreven)\ (?:te\ )?worden\b|\b(?:me|mij|ons)\ (?:\p{L}+\ ){0,3}?(?:uit\ te\ schrijven|uitschrijven|afmelden|af\ te\ melden|verwijderen|te\ verwijderen)|\bniet\ (?:meer|langer|verder)\ (?:\p{L}+\ ){0,4}?(?:mail\p{L}*|e-mail\p{L}*|contact\p{L}*|benader\p{L}*|ontvang\p{L}*|stur\p{L}*|schrijv\p{L}*|bel(?:len)?)\b
          |\bgeen\ (?:\p{L}+\ ){0,2}?(?:e-?mails?|mails?|mailtjes|berichten|reclame)\b(?:\ (?:\p{L}+\ ){0,4}(?:meer|ontvangen|sturen|te\ ontvangen)|\W*$)|\bstop\ (?:\p{L}+\ ){0,2}?met\ \p{L}+|\bmail\ (?:me|mij|ons)\ niet\b|\bstop\ (?:hiermee|daarmee)\b|\bbezwaar\ tegen\ (?:\p{L}+\ ){0,4}(?:verwerking|gebruik)|\b(?:verwijdering|wissen)\ van\ (?:al\ )?(?:mijn|onze)\b|\blaat\ (?:me|mij|ons)\ met\ rust|\bniets\ meer\ (?:\p{L}+\ ){0,4}?(?:horen|ontvangen|weten|sturen)\b|\bneem\ geen\ contact",
        // Polish
        r"\b(?:wypis|wyrejestr)\p{L}*|\busu(?:ń|ńcie|nąć|nięcie|niecie)\ (?:\p{L}+\ ){0,3}?(?:mnie|mój|mojego|moich|moje|nasz\p{L}*|nas|adres\p{L}*|dane|danych|z\ (?:listy|bazy))|\bnie\ (?:życz|chc|wysyła|kontakt|pis|przysyła|wysła)\p{L}*\ ?(?:\p{L}+\ ){0,4}?(?:mnie|mną|mi|więcej|do\ mnie|sobie|otrzymywać|maili|wiadomości|e-maili)|\brezygnuję|\bproszę\ (?:\p{L}+\ ){0,4}?nie\ (?:wysył|kontakt|pis|przysył|dzwon)\p{L}*|\bproszę\ (?:\p{L}+\ )?(?:przestać|zaprzestać)|\bzaprzestani\p{L}+\ (?:wysył|kontakt|przysył)\p{L}*|\bsprzeciw\p{L}*\ (?:\p{L}+\ ){0,3}(?:przetwarzani|danych)",
        // Swedish, Norwegian, Danish
        r"\bta\ (?:gärna\ |vänligen\ )?bort\ (?:mig|oss|min|vår|mitt)|\b(?:sluta|slutt|stopp|stop|stoppa|hold\ op)\ (?:\p{L}+\ )?(?:(?:att|å|med|at)\ )*(?:mejl|maila|mail|skick|kontakt|skriv|send|sende)\p{L}*|\b(?:kontakt|mejl|mail|skriv|send|skick)\p{L}*\ (?:\p{L}+\ )?(?:mig|meg|oss|os)\ (?:\p{L}+\ )?(?:inte|ikke|aldrig|aldri)\b|\b(?:inte|ikke)\ (?:\p{L}+\ ){0,3}?(?:kontakta\p{L}*|kontakte\p{L}*|ha|få|motta\p{L}*|modtage\p{L}*|høre|bli\ kontaktad|skicka|sende|mottage|længere)\ ?(?:\p{L}+\ ){0,2}?(?:mig|meg|oss|os|fler|flere|mer|mere|mejl|mail|mails|e-post|e-poster|fra|från|igen)
          |\b(?:inga|ingen)\ (?:fler|flere|mer)\ (?:mejl|mail|mails|e-post|meddelanden|meldinger)|\b(?:ikke|inte|ej)\ (?:send|sende|skicka|skriv|kontakt|kontakta|mail|maila|mejla)\ (?:til\ |till\ )?(?:meg|mig|oss|os)\b|\bikke\ flere\ (?:mails?|e-?poster?|meldinger|beskeder)|\b(?:fjern|stryk|slett|slet|avmeld|afmeld|meld|avregistrer|radera|avregistrera)\p{L}{0,2}\ (?:venligst\ |vennligst\ )?(?:mig|meg|oss|os|min|mine|vår|våre|mina|mitt)\b|\b(?:radering|sletting|sletning|borttagning)\ av?\ (?:mina|mine|min|vår\p{L}*)\b|\b(?:lad|la|låt)\ (?:være|vær|bli)\ (?:med\ )?(?:at|å|att)\ (?:skriv|kontakt|send|mail|mejl|skick)\p{L}*|\bbli(?:r|va|ve)?\ (?:borttagen|fjernet|slettet|avregistrerad|avmeldt|afmeldt)\b|\b(?:skicka|send|skriv)\ (?:\p{L}+\ )?(?:inget|ingenting|intet)\ (?:mera?|mere)\b|\b(?:ikke|inte|ej)\ (?:ta|tag)\ kontakt\b|\b(?:undanber|frabeder|frabe|frasier)\p{L}*",
        // Finnish
        r"\bpoist\p{L}*\ (?:\p{L}+\ ){0,3}?(?:minut|meidät|sähköpost\p{L}*|osoitte\p{L}*|tieto\p{L}*|yhteystie\p{L}*|listal\p{L}*|postituslist\p{L}*|rekister\p{L}*)|\b(?:minut|meidät|osoitteeni|tietoni)\ (?:\p{L}+\ ){0,3}?poist\p{L}*|\bäl(?:ä|kää)\ (?:\p{L}+\ ){0,2}?(?:lähet\p{L}*|ota|ottako|lähesty\p{L}*|kirjoit\p{L}*|laita\p{L}*|häirit\p{L}*)|\blopet\p{L}*\ (?:\p{L}+\ ){0,2}?(?:viesti\p{L}*|sähköpost\p{L}*|postit\p{L}*|lähettä\p{L}*|tämä)|\ben\ halua\ (?:\p{L}+\ ){0,2}?(?:viest\p{L}*|sähköpost\p{L}*|vastaanottaa|saada|posti\p{L}*|yhteydenot\p{L}*)",
        // Russian
        r"\bотпи(?:с|ш)\p{L}*\ (?:меня|нас)|\b(?:удал|исключ|убер|убра|вычеркн)\p{L}*\ (?:\p{L}+\ ){0,3}?(?:меня|нас|мой|мою|моего|адрес\p{L}*|наш\p{L}*|данные)|\b(?:больше\ )?не\ (?:(?:надо|нужно|стоит|смейте)\ (?:\p{L}+\ ){0,3}?)?(?:мне\ |нам\ )?(?:больше\ )?(?:пишите|писать|присылайте|присылать|беспокойте|беспокоить|отправляйте|звоните|шлите|слать|пиши)|\b(?:прекрат\p{L}*|перестаньте|хватит\ (?:\p{L}+\ )?(?:писать|слать|присылать|спам\p{L}*|писем|рассыл\p{L}*))\b|\bне\ (?:хочу|хотим|желаю|желаем)\ (?:\p{L}+\ )?(?:получать|видеть)|\bотстаньте|\bиз\ (?:\p{L}+\ ){0,2}(?:рассылки|базы)",
        // "This is spam" in all of them.
        r"\b(?:(?:das|dies|es)\ ist\ (?:\p{L}+\ )?spam|c'est\ (?:du|un)\ spam|(?:esto|eso)\ es\ (?:\p{L}+\ )?spam|quest[oa]\ è\ (?:\p{L}+\ )?spam|ist[oa]\ é\ (?:\p{L}+\ )?spam|(?:dit|dat)\ is\ (?:\p{L}+\ )?spam|to\ jest\ (?:\p{L}+\ )?spam|(?:det\ här|detta|det\ her|dette|det)\ (?:är|er)\ (?:\p{L}+\ )?spam|tämä\ on\ (?:roskapostia|spämmiä|spammia)|это\ (?:\p{L}+\ )?спам)\b",
    ]
    .into_iter()
    .map(pattern)
    .collect()
});

// A word for leaving a list, which may also be talk about mail.
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:un-?subscrib\w*|unsub|opt(?:ing|ed)?[\ -]?out|abmeld\p{L}*|abbestell\p{L}*|abzumelden|austrag\p{L}*|auszutragen|désinscri\p{L}*|desinscri\p{L}*|désabonn\p{L}*|desabonn\p{L}*|de\ baja|desuscri\p{L}*
          |disiscri\p{L}*|cancellazione|descadastr\p{L}*|uitschrijv\p{L}*|uit\ te\ schrijven|afmeld\p{L}*|af\ te\ melden|wypis\p{L}*|zrezygnow\p{L}*|rezygnuj\p{L}*|avregistrer\p{L}*|avprenumerera|avanmäl\p{L}*|avmeld\p{L}*|peruuta\p{L}*|отпис\p{L}*|отпиш\p{L}*)\b",
    )
});

// About another sender's list.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:your\ (?:customers?|clients?|users?|contacts|leads|subscribers|tool|product|platform|software|system|unsubscribe|solution)|our\ (?:customers?|clients?|users?|contacts|leads|subscribers|list|newsletter|campaigns?|unsubscribe\w*)|my\ (?:customers?|clients?|users?|contacts|leads|subscribers|prospects)
          |customers|users|subscribers|recipients|prospects|clients\ (?:to|who|can)|people\ (?:to\ )?(?:unsubscrib\w*|opt)|they|rates?\b|feature|functionality|workflow|(?:handle|handles|handling|manage|manages|managing|support|supports|process|track|tracks|honou?r)\ (?:\w+\ ){0,2}(?:unsubscrib\w*|opt)|unsubscribe\ (?:link|page|button|flow|rate|header|option|list)s?\ (?:work|in\ your|do|for)
          |kunden|nutzer|benutzer|empfänger|abonnenten|clients|utilisateurs|abonnés|destinataires|clientes|usuarios|suscriptores|clienti|utenti|iscritti|usuários|assinantes|klanten|gebruikers|klienci|klientów|użytkowni\p{L}*|kunder|användare|brukere|brugere|asiakka\p{L}*|клиент\p{L}*|пользовател\p{L}*|подписчик\p{L}*)\b",
    )
});

// "unsubscribe me": then it is a wish, whoever else is spoken of.
static MYSELF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:unsubscribe\ (?:me|us|my)|opt\ (?:me|us)\ out|please\ unsubscribe|(?:melden|tragen)\ sie\ (?:mich|uns)|désinscri\p{L}*[\ -](?:moi|nous)|meld\ (?:me|mij|mig|meg))\b",
    )
});

// "Don't contact me before Tuesday" and "don't email me the deck" are no farewells.
static ONLY_FOR_NOW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,2}\s?(?:the|a|an|before|until|till\ (?:\w+day|next|then|we|i|after|the|\d+)|by\ (?:phone|telephone)|via\ phone|on\ (?:my\ (?:cell|mobile|phone)|weekends?)|tomorrow|today|vor|bis|avant|før|innan|voor|vóór|przed|ennen|до|antes\ de|prima\ d\p{L}*
          |(?:el|la|los|las|le|l'|les|il|lo|o|os|as|un|una|uma)\ ?(?:contrato|propuesta|oferta|presupuesto|factura|contrat|devis|offre|facture|contratto|preventivo|offerta|fattura|proposta|orçamento|fatura)\b
          |(?:bitte\ |gerne\ |doch\ )*in\ (?:die|den|das|ihre\p{L}*|eure\p{L}*)\ [^.]{1,60}\bauf
          |(?:\p{L}+\ ){0,4}?(?:todavía|aún|ainda|ancora|encore|noch\ nicht|nog\ niet|jeszcze|ännu|ennå|endnu|vielä|пока))\b",
    )
});

// "We don't email our customers" is about the writer, "don't email our customers" asks us.
static STATED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:we|they|i|he|she|customers|people)\s$"));
static FORBIDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:do\ not|don'?t|never)\ (?:ever\ )?(?:e-?mail|contact|message|write|send|spam|mail|bother|reach|call|text|disturb|solicit|follow)\b",
    )
});

static DONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:removed|stopped|deleted|erased|took|dropped)\b"));

// "I have had no mail from you yet" misses one.
static RECEIVED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:erhalten|bekommen|ontvangen|gekregen)$"));
static NOT_YET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:noch|bisher|bislang|habe|haben|hatte|hatten|nog|heb|hebben|had|hadden|have|has|har|ännu|ennå|endnu|jeszcze)\s(?:\p{L}+\s){0,2}$",
    )
});

// "Our vendor won't stop e-mailing us" speaks of another.
static STOPS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:stop|quit|cease)\b"));
static WILL_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:won'?t|doesn'?t|don'?t|didn'?t|wouldn'?t|can'?t|cannot|never|(?:do|does|did|will|would)\ not)\s$")
});

// "I don't want to unsubscribe", "no need to opt out".
static DENIED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\b(?:don'?t|do\ not|didn'?t|won'?t|not\ going)\ (?:want|wish|need|mean|plan|intend)?\ ?to|\bno\ (?:need|reason)\ to|\bplease\ (?:do\ not|don'?t))\s(?:\w+\s){0,1}$|\b(?:est[aáo]\p{L}*|sigue|sigo)\s(?:\p{L}+\s){0,1}$",
    )
});
