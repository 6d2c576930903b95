//! Counted things in sentences.

/// `1 rule`, `2 rules`.
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(0_u32, "reply", "replies"), "0 replies");
        assert_eq!(counted(1_usize, "reply", "replies"), "1 reply");
        assert_eq!(counted(2_u64, "reply", "replies"), "2 replies");
    }
}
