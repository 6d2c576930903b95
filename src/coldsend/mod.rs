//! The ColdSend Replies API: a typed client, its errors, and the request budget.
