//! A key that several processes use: each takes places in its budget where all of them count.
//!
//! A few places are taken at once, so that not every request asks. What was not used of them is given back with the next
//! question; a process that dies leaves a few places counted that nobody used.

use crate::model::{GRANT_LASTS, Grant, GrantRequest};
use async_trait::async_trait;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// So many places are taken at once.
const AT_ONCE: u32 = 5;
/// How long to rest when nobody can say how many places are left.
const UNKNOWN_REST: Duration = Duration::from_secs(1);

/// Where all processes count.
#[async_trait]
pub trait SharedBudget: Send + Sync {
    /// Takes places, if there are any.
    ///
    /// # Errors
    /// Nobody can say how many are left: then nothing may be sent.
    async fn grant(&self, key: &str, request: GrantRequest) -> Result<Grant, String>;
}

/// A key's places in this process.
pub(super) struct SharedPlaces {
    budget: Arc<dyn SharedBudget>,
    /// What names the key.
    key: String,
    granted: Mutex<Option<Granted>>,
}

impl fmt::Debug for SharedPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPlaces").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
struct Granted {
    id: i64,
    count: u32,
    used: u32,
    until: Instant,
}

impl SharedPlaces {
    pub(super) fn new(budget: Arc<dyn SharedBudget>, key: String) -> Self {
        Self { budget, key, granted: Mutex::default() }
    }

    /// Takes one place, where a minute and an hour allow so many; the error says about how long it would take instead.
    pub(super) async fn take(&self, (per_minute, per_hour): (u32, u32)) -> Result<(), Duration> {
        let mut granted = self.granted.lock().await;
        if let Some(places) =
            granted.as_mut().filter(|places| places.used < places.count && Instant::now() < places.until)
        {
            places.used += 1;
            return Ok(());
        }
        let request = GrantRequest {
            wanted: AT_ONCE.min(per_minute),
            per_minute,
            per_hour,
            used: granted.map(|places| (places.id, places.used)),
        };
        // Counted from before the question, so that its way is no time that is left.
        let until = Instant::now() + GRANT_LASTS;
        match self.budget.grant(&self.key, request).await {
            Ok(Grant::Granted { id, count }) => {
                *granted = Some(Granted { id, count, used: 1, until });
                Ok(())
            }
            Ok(Grant::Wait(wait)) => Err(wait),
            Err(error) => {
                tracing::warn!(error, "nobody can say what is left of the key's budget");
                Err(UNKNOWN_REST)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;

    /// Counts for good: no place comes back.
    #[derive(Default)]
    struct Counted(StdMutex<Vec<GrantRequest>>);

    #[async_trait]
    impl SharedBudget for Counted {
        async fn grant(&self, _: &str, request: GrantRequest) -> Result<Grant, String> {
            let mut asked = self.0.lock().unwrap();
            asked.push(request);
            let count = request.wanted.min(12_u32.saturating_sub(5 * (asked.len() as u32 - 1)));
            Ok(match count {
                0 => Grant::Wait(Duration::from_secs(60)),
                count => Grant::Granted { id: asked.len() as i64, count },
            })
        }
    }

    #[tokio::test]
    async fn places_are_taken_a_few_at_once_and_given_back() {
        let budget = Arc::new(Counted::default());
        let places = SharedPlaces::new(Arc::clone(&budget) as Arc<dyn SharedBudget>, "acme".to_owned());
        for _ in 0..3 {
            places.take((100, 1_000)).await.unwrap();
        }
        assert_eq!(budget.0.lock().unwrap().len(), 1);
        // What is left of them is too old after a while.
        if let Some(granted) = places.granted.lock().await.as_mut() {
            granted.until = Instant::now();
        }
        for _ in 0..7 {
            places.take((100, 1_000)).await.unwrap();
        }
        let used: Vec<_> = budget.0.lock().unwrap().iter().map(|request| request.used).collect();
        assert_eq!(used, [None, Some((1, 3)), Some((2, 5))]);
        assert_eq!(places.take((100, 1_000)).await, Err(Duration::from_secs(60)));
    }
}
