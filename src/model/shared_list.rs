//! A list that its copies share.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{ops::Deref, sync::Arc};

/// A list whose copies cost nothing: what is large and goes from hand to hand unchanged. In JSON it is a list.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedList<T>(Arc<Vec<T>>);

impl<T: Clone> SharedList<T> {
    /// The list; it is copied only where somebody else has it, too.
    pub fn into_vec(self) -> Vec<T> {
        Arc::unwrap_or_clone(self.0)
    }

    /// The list, to change it: nobody else sees that.
    pub fn make_mut(&mut self) -> &mut Vec<T> {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for SharedList<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> From<Vec<T>> for SharedList<T> {
    fn from(list: Vec<T>) -> Self {
        Self(Arc::new(list))
    }
}

impl<T> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> Deref for SharedList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize> Serialize for SharedList<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SharedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_one_list_until_one_is_changed() {
        let list: SharedList<String> = ["a", "b"].map(str::to_owned).into_iter().collect();
        let mut copy = list.clone();
        assert!(std::ptr::eq(&raw const *list, &raw const *copy));
        copy.make_mut().push("c".to_owned());
        assert_eq!((list.len(), copy.len()), (2, 3));
        let json = serde_json::to_string(&copy).unwrap();
        assert_eq!(json, r#"["a","b","c"]"#);
        assert_eq!(serde_json::from_str::<SharedList<String>>(&json).unwrap(), copy);
        assert_eq!(list.into_vec(), ["a", "b"]);
    }
}
