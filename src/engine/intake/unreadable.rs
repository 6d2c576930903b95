//! A thread whose messages are too large to be read: no rule can be evaluated, and trying again changes nothing.

use super::Intake;
use crate::engine::{
    Workspace,
    intake::{policy::DECISION_POLICY, records::lead_key},
};
use crate::{
    coldsend::ApiError,
    destinations::Alert,
    model::new_decision_id,
    store::{DecisionRecord, DecisionTrace, EventKind, PendingThread, StoreError},
};

impl Intake {
    /// Records a decision without an evaluation, alerts you, and returns its id.
    pub(super) async fn record_unreadable(
        &self,
        workspace: &Workspace,
        thread: &PendingThread,
        error: &ApiError,
    ) -> Result<String, StoreError> {
        let row = &thread.row;
        let problem = format!("the messages cannot be read, so no rule was evaluated: {error}");
        let record = DecisionRecord {
            id: new_decision_id(),
            workspace: workspace.name().to_owned(),
            thread_id: row.id.clone(),
            message_id: None,
            lead_email: lead_key(row),
            at: self.shared.now(),
            event: EventKind::Message,
            matched: Vec::new(),
            trace: DecisionTrace {
                problem: Some(problem.clone()),
                subject: row.subject.clone(),
                campaign: row.campaign().map(str::to_owned),
                category: row.category().map(str::to_owned),
                lead_name: row.lead_name.clone(),
                message_at: row.last_message_at,
                preview: row.preview.clone(),
                ..DecisionTrace::default()
            },
        };
        let settled = self.settled(row, None, workspace);
        self.shared.store.record_decision(&record, None, Vec::new(), None, &settled, DECISION_POLICY).await?;
        workspace.metrics.record_decision(EventKind::Message);
        let lead = record.lead_email.as_deref().unwrap_or("A lead without an address");
        let announcement = Alert {
            title: format!("A thread cannot be read (workspace {})", workspace.name()),
            text: format!("{lead} has written, and {problem}. Look at the thread in ColdSend and answer it there."),
        };
        self.shared.alerts.alert_hourly(
            workspace.name(),
            "unreadable",
            announcement,
            None,
            self.shared.alerts.thread_link(&row.id),
        );
        Ok(record.id)
    }
}
