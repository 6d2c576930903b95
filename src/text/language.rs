//! The language of a text, by its frequent words, or by its script where that is enough.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lines::truncate;

/// Short words that every longer text has, by ISO 639-1 code. What two languages share counts for both.
const FREQUENT: &[(&str, &str)] = &[
    (
        "da",
        "og jeg det er ikke til på med som af vi har du kan en et den mig dig os hvad hvis nogle uge tak mandag venlig hilsen \
         også meget gerne eller være hej tale kunne blive",
    ),
    (
        "de",
        "und ich der die das ist nicht sie es wir mit für auf zu ein eine den im von dem haben sind auch wenn bitte danke \
         ihre ihr uns mir bei aber noch oder wie kann können gerne hallo guten vielen grüße am um wird schon kein keine zum zur nach hier mein wäre nein passt leider dann",
    ),
    (
        "en",
        "the and i you to of is it that we for are have this be with on not your my our please thanks thank can would what \
         me will but do if they was from at hi could when there about a an us call send good sure yes no just let how \
         interested more out well like great been has week next again time who which should",
    ),
    (
        "es",
        "el la que de y en los no es por un una con para lo las se me mi su gracias pero como más si está nos hola usted \
         estoy puede buenos días tengo sobre del al esto",
    ),
    (
        "fi",
        "ja on ei että se en olen meille minä mutta kun tai jos voi kiitos voisitko hei nyt ovat tämä siitä mitä minulle \
         meillä ole myös terveisin sinun olemme viesti",
    ),
    (
        "fr",
        "le la les et je vous de est pas que un une pour nous ne des en dans avec ce sur mais votre merci bonjour mon au du \
         suis avez plus si cordialement être ou il qui à non oui me se cette nos y a",
    ),
    (
        "it",
        "il la di e che non un una per sono è mi si con del le ci ma grazie come della ho più buongiorno al nel questo anche \
         se vi lei da i gli sua cordiali saluti",
    ),
    (
        "nl",
        "de het een en ik is niet van dat we voor op te met zijn u ja bedankt maar wij als je aan ook mijn kan graag deze \
         hebben heb uw groet vriendelijke om er nog wel",
    ),
    (
        "no",
        "og jeg det er ikke til på med som av vi har du kan en et den meg deg oss hva hvis noen uke takk mandag vennlig hilsen \
         også veldig gjerne eller være hei snakke kunne bli",
    ),
    (
        "pl",
        "i w nie na się z do jest to że dziękuję proszę o jak ale za po dzień dobry mam czy tak nas mi od jestem pan pani \
         dla wiadomość pozdrawiam może już państwa przez",
    ),
    (
        "pt",
        "o a de e que não um uma para é com do da em os as eu por mais obrigado obrigada se no na você nos mas meu minha \
         olá bom dia está estou sobre ao isso pode",
    ),
    (
        "ru",
        "и в не на я что с по это мы для вы но как за у вас спасибо здравствуйте мне нас бы если от так добрый день \
         меня уже или пожалуйста",
    ),
    (
        "sv",
        "och jag det är inte till på med som av vi har du kan en ett den mig dig oss vad om någon vecka tack måndag vänlig \
         hälsning också mycket gärna eller vara hej prata att för",
    ),
    (
        "uk",
        "і в не на я що з по це ми для ви але як за у вас дякую мені нас якщо від так добрий день мене вже або будь ласка та \
         є до",
    ),
];

/// Letters that one language of a script has and its neighbour has not.
const LETTERS: &[(char, &str)] =
    &[('ы', "ru"), ('э', "ru"), ('ъ', "ru"), ('ё', "ru"), ('і', "uk"), ('ї', "uk"), ('є', "uk"), ('ґ', "uk")];

/// What is read of a text.
const MAX_BYTES: usize = 16 * 1024;
/// Fewer frequent words prove nothing.
const MIN_WORDS: usize = 2;

static CODES_BY_WORD: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut codes: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (index, (_, words)) in FREQUENT.iter().enumerate() {
        for word in words.split_whitespace() {
            let of_word = codes.entry(word).or_default();
            if !of_word.contains(&index) {
                of_word.push(index);
            }
        }
    }
    codes
});

/// The language that most of a text is in, as its ISO 639-1 code (`de`); `None` where it is too short or mixed to tell.
pub fn language(text: &str) -> Option<&'static str> {
    let text = truncate(text, MAX_BYTES).to_lowercase();
    if let Some(code) = of_script(&text) {
        return Some(code);
    }
    let mut counts = [0_usize; FREQUENT.len()];
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        for index in CODES_BY_WORD.get(word).into_iter().flatten() {
            if let Some(count) = counts.get_mut(*index) {
                *count += 1;
            }
        }
    }
    for (letter, code) in LETTERS {
        let place = FREQUENT.iter().position(|(known, _)| known == code);
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += usize::from(text.contains(*letter));
        }
    }
    let most = counts.iter().copied().max().filter(|most| *most >= MIN_WORDS)?;
    let mut best = counts.iter().zip(FREQUENT).filter(|(count, _)| **count == most);
    let (_, (code, _)) = best.next()?;
    best.next().is_none().then_some(*code)
}

/// A script that only one of the languages is written in, if most letters are of it.
fn of_script(text: &str) -> Option<&'static str> {
    let (mut letters, mut kana, mut han, mut hangul, mut greek, mut hebrew, mut thai) = (0, 0, 0, 0, 0, 0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        match c {
            '\u{3040}'..='\u{30ff}' => kana += 1,
            '\u{3400}'..='\u{9fff}' => han += 1,
            '\u{ac00}'..='\u{d7a3}' => hangul += 1,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => greek += 1,
            '\u{590}'..='\u{5ff}' => hebrew += 1,
            '\u{e00}'..='\u{e7f}' => thai += 1,
            _ => {}
        }
    }
    let is_most = |count: usize| count * 2 > letters;
    match () {
        () if letters < 2 => None,
        () if kana > 0 && is_most(kana + han) => Some("ja"),
        () if is_most(han) => Some("zh"),
        () if is_most(hangul) => Some("ko"),
        () if is_most(greek) => Some("el"),
        () if is_most(hebrew) => Some("he"),
        () if is_most(thai) => Some("th"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn languages_are_told_by_their_words() {
        for (code, text) in [
            ("da", "Hej, jeg er på ferie i denne uge, men kan vi tale sammen, hvis du har tid?"),
            ("de", "Gern, können Sie mir bitte die Preise schicken?"),
            ("en", "Yes, please send me the prices."),
            ("es", "Hola, me interesa, ¿puede enviarme los precios por correo?"),
            ("fi", "Hei, kiitos viestistä, mutta meillä ei ole tarvetta nyt."),
            ("fr", "Bonjour, je suis intéressé, pouvez-vous me rappeler mardi ?"),
            ("it", "Buongiorno, non sono io che mi occupo di questo."),
            ("nl", "Bedankt, maar wij hebben het niet nodig."),
            ("no", "Hei, jeg vil gjerne vite hva det koster, takk."),
            ("pl", "Dziękuję, ale nie jest to dla nas."),
            ("pt", "Olá, não é para mim, mas obrigado."),
            ("ru", "Спасибо, но нам это не нужно."),
            ("sv", "Tack, men vi är inte intresserade av det."),
            ("uk", "Дякую, але це не для нас."),
            ("ja", "ありがとうございます。来週お電話ください。"),
            ("zh", "谢谢，请把价格发给我。"),
            ("ko", "감사합니다. 다음 주에 전화해 주세요."),
            ("el", "Ευχαριστώ, πείτε μου την τιμή."),
        ] {
            assert_eq!(language(text), Some(code), "{text}");
        }
        for text in ["", "OK", "12345", "Acme GmbH", "Zorg blipte flum."] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
