//! Where forwards go: Slack, e-mail and webhooks. Each says only whether a failure may be retried.
