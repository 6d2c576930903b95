//! Whether a message reads like a follow-up: it refers to an earlier message of its own sender, as the later steps of a
//! campaign do. Nothing is proved by it; whoever asks has no better evidence.

use std::sync::LazyLock;

/// Lower-case phrases in the languages that campaigns are mostly written in. Each is what a sender says of their own
/// earlier message, and what somebody who answers the lead has no reason to say.
const PHRASES: &[&str] = &[
    // English
    "following up",
    "follow up on my",
    "follow-up to my",
    "circling back",
    "circle back",
    "bumping this",
    "floating this",
    "bring this back to the top",
    "top of your inbox",
    "my last email",
    "my last note",
    "my last message",
    "my previous email",
    "my previous message",
    "my earlier email",
    "my earlier note",
    "my note about",
    "haven't heard back",
    "have not heard back",
    "did you get a chance",
    "had a chance to look",
    "have you had a chance",
    "in case you missed",
    "checking in to see",
    "just checking in",
    "this is my last email",
    "close your file",
    // German
    "nachfassen",
    "meine letzte mail",
    "meiner letzten mail",
    "meine letzte e-mail",
    "meiner letzten e-mail",
    "meine nachricht von",
    "noch einmal auf mich aufmerksam",
    "nichts von ihnen gehört",
    // French
    "je me permets de vous relancer",
    "je reviens vers vous",
    "mon précédent message",
    "mon dernier message",
    "mon précédent mail",
    "suite à mon message",
    // Spanish
    "mi último correo",
    "mi último mensaje",
    "mi correo anterior",
    "mi mensaje anterior",
    "dar seguimiento",
    "vuelvo a escribirte",
    "vuelvo a escribirle",
    // Italian
    "la mia ultima email",
    "la mia ultima mail",
    "la mia precedente",
    "torno a scriverti",
    "torno a scriverle",
    // Portuguese
    "meu último e-mail",
    "meu último email",
    "meu e-mail anterior",
    "minha última mensagem",
    "retomando o meu",
    // Dutch
    "mijn vorige mail",
    "mijn vorige e-mail",
    "mijn laatste mail",
    "mijn laatste e-mail",
    "kom ik hier nog even op terug",
];

static FINDER: LazyLock<Option<aho_corasick::AhoCorasick>> =
    LazyLock::new(|| aho_corasick::AhoCorasick::new(PHRASES).ok());

/// Whether a text reads like a follow-up of a campaign. Case, line breaks and typographic apostrophes do not matter.
pub fn is_follow_up(text: &str) -> bool {
    let folded = text.replace(['’', '‘', '`'], "'").to_lowercase();
    let folded = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    FINDER.as_ref().is_some_and(|finder| finder.is_match(&folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_campaigns_read_like_follow_ups_and_answers_do_not() {
        for step in [
            "Hi Jane, just following up on my note about the planner. Is it worth a look?",
            "Jane, I haven’t heard\nback from you. Did you get a chance to read it?",
            "Guten Tag Frau Doe, haben Sie meine letzte E-Mail gesehen?",
            "Bonjour, je me permets de vous relancer au sujet de notre offre.",
            "Hola Jane, ¿viste mi último correo?",
            "Ciao Jane, ha visto la mia ultima email?",
            "Olá Jane, viu o meu último e-mail?",
            "Hoi Jane, heb je mijn vorige mail gezien?",
        ] {
            assert!(is_follow_up(step), "{step}");
        }
        for answer in [
            "I take this one myself.",
            "Thanks Jane, Tuesday at ten works. Here is the invite.",
            "The price is 20 EUR per seat and month; I attach our list.",
            "Vielen Dank, ich rufe Sie morgen an.",
            "Merci, je vous appelle demain.",
            "",
        ] {
            assert!(!is_follow_up(answer), "{answer}");
        }
    }
}
