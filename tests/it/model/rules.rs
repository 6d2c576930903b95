//! The rules that the model's service follows: every kind of action, and each way in which a reply waits.

/// Every rule reads the messages, so that each decision names the message that it is about; a reply names it, too, but for
/// the one whose words are always the same.
pub(crate) const RULES: &str = r"
version: 1
rules:
  - name: hot
    when: { category: interested, body: '.' }
    then:
      - reply: { text: 'Hi, when may I call you? [{{ message.id }}]', repeat: once_per_message }
      - star
      - slack: sales
      - webhook: crm
      - mark_read
  - name: question
    when: { category: question, body: '.' }
    then:
      - reply: { text: 'Here is the price list. [{{ message.id }}]', after: 3m, hours: office, repeat: once_per_message }
      - email: team
      - mark_read
  - name: meeting
    mode: draft
    when: { category: meeting_request, body: '.' }
    then:
      - reply: { text: 'Here is my calendar. [{{ message.id }}]' }
      - webhook: crm
      - mark_read
  - name: thanks
    when: { category: thanks, body: '.' }
    then:
      - reply: { text: 'You are welcome.', repeat: once_per_message, limit: 3 per 1h }
      - star
  - name: 'no'
    when: { category: not_interested, body: '.' }
    then: [unstar, mark_read]
  - name: everything
    when: { body: '.', auto_reply: any }
    then:
      - slack: sales
";
