//! "Do not write to me again" and "take me off your list", put together from their parts in each language: a word for "not",
//! one for "again" and one for writing, or a word for removing and one for lists, in any order and close to each other, and
//! the writer among those who are spoken of.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::pattern;

struct Parts {
    not: &'static str,
    again: &'static str,
    // The beginnings of words for writing, in the forms that ask for something.
    write: &'static str,
    me: &'static str,
    // The beginnings of words for taking off, of words for lists, and the writer as what is taken off.
    remove: &'static str,
    list: &'static str,
    mine: &'static str,
}

const LANGUAGES: &[Parts] = &[
    // English
    Parts {
        not: r"not|don'?t|never|no|nothing",
        again: r"again|any\ ?more|any\ longer|further|in\ (?:the\ )?future|ever",
        write: r"contact|e-?mail|mailing|write|writing|messag|reach\ out|follow\ up|following\ up|hear\ from|bother|disturb|spam|ping",
        me: r"\b(?:i|i'd|i'm|me|us|we|my|our)\b|^\W*(?:please\ |pls\ )?(?:don'?t|do\ not|never)\b",
        remove: r"remov|delet|take|taken|drop|unlist|scrub|strike|cross|purg|erase",
        list: r"list|database|mailing|crm|records|sequence|campaign|distribution",
        mine: r"\b(?:me|us|my|our|i'd\ like|i\ want|we\ want|we'd\ like|to\ be)\b",
    },
    // German
    Parts {
        not: r"nicht|nie|niemals|keine\p{L}*|kein",
        again: r"mehr|weiter\p{L}*|länger|künftig|zukünftig|in\ zukunft|wieder|nochmals?",
        write: r"kontakt|anschreib|anzuschreib|angeschrieb|schreib|zu\ schreiben|mail|belästig|anruf|anzurufen|sende|schick|zusend|zuzusend|zuschick|zuzuschick|bedräng|behellig",
        me: r"\b(?:mich|mir|uns)\b",
        remove: r"streich|gestrichen|entfern|lösch|gelöscht|nehm|nimm|genommen|austrag|ausgetragen|auszutragen|raus|heraus",
        list: r"verteiler|\p{L}*liste|datenbank|kartei|adressbuch|bestand",
        mine: r"\b(?:mich|uns|mein\p{L}{0,2}|unser\p{L}{0,2}|raus)\b",
    },
    // French
    Parts {
        not: r"ne|n'\p{L}+|pas|aucun\p{L}*",
        again: r"plus|jamais|davantage|à\ l'avenir",
        write: r"(?:[mt]')?(?:(?:re)?contact|écri[rv]|envoy|adress|sollicit|relanc|dérang|démarch|importun|harcel|recev)",
        me: r"\b(?:me|m'|moi|nous)\b",
        remove: r"(?:me\ |m\')?(?:retir|supprim|enlev|effac|ray|sort|radi|désinscri)",
        list: r"liste|base|fichier|contacts|diffusion",
        mine: r"\b(?:me|m'|moi|nous|mon|ma|mes|notre|nos|être|sortir)\b",
    },
    // Spanish
    Parts {
        not: r"no|nunca|jamás",
        again: r"más|nunca|de\ nuevo|otra\ vez|en\ el\ futuro",
        write: r"contact(?:e|ar)|escrib(?:a|ir)|env[ií](?:e|ar)|mand(?:e|ar)|molest(?:e|ar)|llam(?:e|ar)|recibir",
        me: r"\b(?:me|nos|mí|quiero|queremos|deseo|deseamos)\b|\p{L}{4}(?:me|nos)\b",
        remove: r"elimin|borr|quit|quít|sac|sáqu|retir|salir|suprim|remov",
        list: r"lista|base|registros|contactos",
        mine: r"\b(?:me|nos|mi|mis|nuestr\p{L}+|ser|salir)\b|\p{L}{3}(?:me|nos)\b",
    },
    // Italian
    Parts {
        not: r"non|mai",
        again: r"più|mai|ulteriormente|in\ futuro",
        write: r"contatt(?:a|i)|scriv(?:a|e|i)|invi(?:a|i)|mand(?:a|i)|disturb(?:a|i)|ricevere",
        me: r"\b(?:mi|ci|me|voglio|vogliamo|desidero|desideriamo)\b|\p{L}{4}(?:mi|ci)\b",
        remove: r"cancell|rimoss|rimuov|elimin|togli|tolt|uscire",
        list: r"list|elenco|database|archivio|newsletter",
        mine: r"\b(?:mi|ci|mio|mia|miei|nostr\p{L}+|essere|uscire)\b|\p{L}{4}mi\b",
    },
    // Portuguese
    Parts {
        not: r"não|nunca",
        again: r"mais|nunca|novamente|no\ futuro",
        write: r"contac?t(?:e|ar)|envi(?:e|ar)|escrev(?:a|er)|mand(?:e|ar)|incomod(?:e|ar)|perturb(?:e|ar)|receber",
        me: r"\b(?:me|nos|mim|quero|queremos|desejo|desejamos)\b",
        remove: r"remov|retir|exclu|sair|tir|apag|elimin",
        list: r"lista|base|cadastro|contac?tos",
        mine: r"\b(?:me|meu|minha|nosso|nossa|ser|sair)\b",
    },
    // Dutch
    Parts {
        not: r"niet|geen|nooit",
        again: r"meer|langer|verder|opnieuw|in\ de\ toekomst",
        write: r"mail|e-mail|contact|benader|stur|stuur|schrijv|schrijf|bel|lastig",
        me: r"\b(?:mij|me|ons)\b",
        remove: r"verwijder|haal|halen|schrap|gooi|af|uit",
        list: r"\p{L}*lijst|bestand|database|systeem",
        mine: r"\b(?:me|mij|ons|mijn|onze)\b",
    },
    // Polish
    Parts {
        not: r"nie|żadn\p{L}*",
        again: r"więcej|już|nigdy|ponownie|dalej",
        write: r"kontakt|pis|wysył|przysył|dzwoni|nęka|otrzymywać",
        me: r"\b(?:mnie|mi|mną|nas|nam|nami|chcę|chcemy|życzę|życzymy)\b",
        remove: r"usu|wykreśl|wypis|skreśl",
        list: r"list|baz|mailing|newsletter",
        mine: r"\b(?:mnie|mój|moj\p{L}+|nas|nasz\p{L}*)\b",
    },
    // Swedish
    Parts {
        not: r"inte|aldrig|inga|ingen|ej",
        again: r"mera?|igen|fler|längre|framöver|i\ fortsättningen",
        write: r"kontakta|mejla|maila|skriv|skicka|höra?\ av|ring|stör",
        me: r"\b(?:mig|oss)\b",
        remove: r"ta\ bort|bort|stryk|radera|plocka|avregistrer",
        list: r"\p{L}*list|register|utskick|databas",
        mine: r"\b(?:mig|oss|min|mitt|mina|vår\p{L}*)\b",
    },
    // Norwegian and Danish
    Parts {
        not: r"ikke|aldri|aldrig|ingen",
        again: r"mere?|igjen|igen|flere|lenger|længere|fremover",
        write: r"kontakt|mail|skriv|send|ring|forstyr|henvend",
        me: r"\b(?:meg|mig|oss|os)\b",
        remove: r"fjern|stryk|slett?|meld|ta|tag",
        list: r"\p{L}*list|register|database|utsending|udsendelse",
        mine: r"\b(?:meg|mig|oss|os|min|mitt|mit|mine|vår\p{L}*|vores|slettes|fjernes|strykes|afmeldes)\b",
    },
    // Finnish
    Parts {
        not: r"älä|älkää|en|emme",
        again: r"enää|enempää|koskaan|uudelleen|jatkossa|lisää",
        write: r"ota|ottako|lähet|kirjoit|soit|häirit|viest",
        me: r"\b(?:älä|älkää|minu\p{L}+|mei\p{L}+|teiltä)\b",
        remove: r"poist|pois",
        list: r"\p{L}*list\p{L}|rekister|tietokan",
        mine: r"\b(?:minu\p{L}+|mei\p{L}+|haluan|haluamme)\b",
    },
    // Russian
    Parts {
        not: r"не|никогда",
        again: r"больше|никогда|впредь|снова",
        write: r"пиш|писа|присыл|отправля|беспоко|звон|шли|слать|контакт|связыва",
        me: r"\b(?:мне|нам|меня|нас|мною|нами)\b",
        remove: r"удал|исключ|убер|убра|вычеркн|отпи[сш]",
        list: r"рассыл|баз|списк",
        mine: r"\b(?:меня|нас|мой|мою|моего|наш\p{L}*)\b",
    },
];

// "Do not hesitate to contact us again", "if I do not answer, write again".
static INVITES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:hesitate|zöger\p{L}*|hésit\p{L}*|dud\p{L}{1,3}|esit\p{L}*|hesit\p{L}*|aarzel\p{L}*|waha\p{L}*|tveka|nøl\p{L}*|tøv\p{L}*|epäröi\p{L}*|стесня\p{L}*)\b
          |\b(?:if|when|unless)\ (?:i|we|you\ (?:don't|do\ not)\ hear)\b|\b(?:wenn|falls|sofern)\ (?:ich|wir)\b|\b(?:som|hvis|om)\ (?:jag|jeg|vi)\b|\b(?:als|indien)\ (?:ik|we)\b",
    )
});

// What is asked for, and who must be spoken of beside it.
static COMPOSED: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
    // Words that may stand between; a comma ends what belongs together.
    let gap = r"(?:\ [^\s,]+){0,4}?\ ";
    let compose = |Parts { not, again, write, me, remove, list, mine }: &Parts| {
        let never = format!(
            r"\b(?:(?:{not}){gap}(?:{again}){gap}(?:{write})|(?:{not}){gap}(?:{write})[^\s,]*{gap}(?:{again})\b
              |(?:{again}){gap}(?:{not}){gap}(?:{write})|(?:{write})[^\s,]*{gap}(?:{not}){gap}(?:{again})\b)"
        );
        let off = format!(r"\b(?:(?:{remove})[^\s,]*{gap}(?:{list})|(?:{list})[^\s,]*{gap}(?:{remove}))");
        [(pattern(&never), pattern(me)), (pattern(&off), pattern(mine))]
    };
    LANGUAGES.iter().flat_map(compose).collect()
});

/// The words of a sentence that ask for no more mail, and where they begin.
pub(super) fn find_in_sentence(sentence: &str) -> Option<(usize, &str)> {
    if INVITES.is_match(sentence) {
        return None;
    }
    let found = COMPOSED.iter().find_map(|(words, me)| words.find(sentence).filter(|_| me.is_match(sentence)))?;
    Some((found.start(), found.as_str()))
}
