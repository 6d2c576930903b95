//! What a decision takes on disk.

use crate::filled_store::bytes_per_decision;

/// Whatever can be derived from the event and the rules of its revision is not stored.
const AT_MOST: u64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_takes_two_kilobytes_at_most_however_many_rules_there_are() {
    for rules in [5, 100] {
        let (bytes, parts) = bytes_per_decision(rules, 4_000).await;
        parts.iter().for_each(|(name, bytes)| eprintln!("{bytes:>9.1}  {name}"));
        assert!(bytes <= AT_MOST, "{bytes} bytes a decision with {rules} rules");
    }
}
