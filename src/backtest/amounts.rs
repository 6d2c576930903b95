//! Numbers that are amounts, and no telephone numbers.

/// What stands beside an amount of money.
const CURRENCIES: [&str; 15] =
    ["€", "$", "£", "¥", "eur", "usd", "gbp", "chf", "pln", "sek", "nok", "dkk", "cad", "aud", "euro"];

/// Whether digits are an amount, such as `1.000.000`, or several with a dash between them; `around` is the text before and behind.
///
/// In doubt they are a telephone number: `601 234 567` may be either.
pub(super) fn is_amount(number: &str, (before, behind): (&str, &str)) -> bool {
    let before: String = before.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    let before = before.to_lowercase();
    let behind: String = behind.chars().take(6).collect::<String>().to_lowercase();
    let is_money = CURRENCIES.iter().any(|currency| {
        before.trim_end().ends_with(currency) || behind.trim_start_matches([' ', '\u{a0}', ',']).starts_with(currency)
    });
    let mut parts = number.split(['-', '/']).map(str::trim);
    parts.all(|part| is_one(part, is_money))
}

fn is_one(number: &str, is_money: bool) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some(separator) = number.chars().find(|c| !c.is_ascii_digit()) else { return is_money && digits(number) };
    if !['.', ' ', '\u{a0}'].contains(&separator) {
        return false;
    }
    let mut groups = number.split(separator);
    let first = groups.next().unwrap_or_default();
    let groups: Vec<&str> = groups.collect();
    let is_grouped = digits(first)
        && first.len() <= 3
        && !first.starts_with('0')
        && groups.iter().all(|group| group.len() == 3 && digits(group));
    let is_round = groups.iter().all(|group| *group == "000");
    is_grouped && (is_money || is_round || (separator == '.' && first.len() < 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_no_telephone_number() {
        for amount in ["1.000.000", "12.500.000", "1 000 000", "250.000.000", "1.000.000 - 2.500.000"] {
            assert!(is_amount(amount, ("about ", " a year")), "{amount}");
        }
        for number in
            ["601 234 567", "555.123.4567", "+49 170 1234567", "0170 1234567", "22 12 34 56", "1234567", "030.123.456"]
        {
            assert!(!is_amount(number, ("call ", " or")), "{number}");
        }
        for around in [("€ ", ""), ("", " EUR"), ("USD", ""), ("", "\u{a0}€")] {
            assert!(is_amount("601 234 567", around) && is_amount("1234567", around), "{around:?}");
        }
    }
}
