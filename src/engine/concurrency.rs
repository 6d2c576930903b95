//! How much runs at once: one at first, one more for each that ends well, one again after a failure. While an API or a
//! destination fails it is asked with one request at a time; when it responds, many requests share the wait.

use std::sync::atomic::{AtomicUsize, Ordering};

/// At most so many threads of a workspace are read, and so many of its actions are carried out, at once.
pub(super) const MAX_AT_ONCE: usize = 32;

/// How many may run at once now. It may be lost at any time: then it grows again.
#[derive(Debug)]
pub(super) struct Window(AtomicUsize);

impl Default for Window {
    fn default() -> Self {
        Self(AtomicUsize::new(1))
    }
}

impl Window {
    /// At least one, at most [`MAX_AT_ONCE`].
    pub(super) fn size(&self) -> usize {
        self.0.load(Ordering::Relaxed).clamp(1, MAX_AT_ONCE)
    }

    /// One ended well.
    pub(super) fn widen(&self) {
        let wider = |size: usize| Some(size.saturating_add(1).min(MAX_AT_ONCE));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, wider);
    }

    /// One failed.
    pub(super) fn close(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_widens_by_each_success_up_to_its_limit_and_closes_at_once() {
        let window = Window::default();
        assert_eq!(window.size(), 1);
        window.widen();
        assert_eq!(window.size(), 2);
        (0..100).for_each(|_| window.widen());
        assert_eq!(window.size(), MAX_AT_ONCE);
        window.close();
        assert_eq!(window.size(), 1);
    }
}
