//! Whether a message reads like a follow-up: it refers to an earlier message of its own sender, as the later steps of a
//! campaign do. Nothing is proved by it; whoever asks has no better evidence.

use super::document::Document;
use super::phrases::Topic;

/// Whether a text reads like a follow-up of a campaign.
pub fn is_follow_up(text: &str) -> bool {
    Document::of(text).has(Topic::FollowUp)
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
