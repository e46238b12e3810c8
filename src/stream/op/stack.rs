//! A stack whose copies share what they have in common.

use std::sync::Arc;

/// A stack: a copy costs a reference count, whatever its height, and a copy that is pushed to or
/// popped from leaves the others as they are.
pub(crate) struct Stack<T> {
    top: Option<Arc<Node<T>>>,
}

#[derive(Clone)]
struct Node<T> {
    item: T,
    below: Stack<T>,
}

impl<T> Stack<T> {
    pub(crate) const fn new() -> Self {
        Self { top: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    /// The item pushed last.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.top.as_ref().map(|node| &node.item)
    }

    pub(crate) fn push(&mut self, item: T) {
        let below = Self {
            top: self.top.take(),
        };
        self.top = Some(Arc::new(Node { item, below }));
    }

    /// Removes the item pushed last.
    pub(crate) fn remove(&mut self) {
        if let Some(node) = self.top.take() {
            self.top = match Arc::try_unwrap(node) {
                Ok(mut node) => node.below.top.take(),
                Err(shared) => shared.below.top.clone(),
            };
        }
    }

    /// The items, the one pushed last first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut next = self.top.as_deref();
        std::iter::from_fn(move || {
            let node = next?;
            next = node.below.top.as_deref();
            Some(&node.item)
        })
    }
}

impl<T: Clone> Stack<T> {
    /// Removes the item pushed last and returns it, or a copy if another stack has it too.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let Node { item, below } = Arc::unwrap_or_clone(self.top.take()?);
        *self = below;
        Some(item)
    }
}

impl<T> Clone for Stack<T> {
    fn clone(&self) -> Self {
        Self {
            top: self.top.clone(),
        }
    }
}

impl<T> Drop for Stack<T> {
    /// Node by node: a high stack would overflow that of the thread.
    fn drop(&mut self) {
        let mut top = self.top.take();
        while let Some(node) = top {
            top = Arc::into_inner(node).and_then(|mut node| node.below.top.take());
        }
    }
}

impl<T> FromIterator<T> for Stack<T> {
    /// Pushes the items in their order.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut stack = Self::new();
        items.into_iter().for_each(|item| stack.push(item));
        stack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn copies_go_their_own_ways() {
        let mut twins = Vec::from([(Stack::new(), Vec::new())]);
        for step in 0..200u32 {
            let (stack, items) = twins[step as usize * 7 % twins.len()].clone();
            let (mut stack, mut items): (Stack<u32>, Vec<u32>) = (stack, items);
            for _ in 0..step % 5 {
                assert_eq!(stack.pop(), items.pop());
                stack.remove();
                items.pop();
            }
            for item in 0..step % 11 {
                stack.push(item);
                items.push(item);
            }
            assert_eq!(stack.peek(), items.last());
            assert_eq!(stack.is_empty(), items.is_empty());
            twins.push((stack, items));
        }
        for (stack, items) in twins {
            assert!(stack.iter().eq(items.iter().rev()));
        }
    }

    #[test]
    fn a_high_stack_is_dropped_without_recursion() {
        let stack: Stack<u32> = (0..300_000).collect();
        let copy = stack.clone();
        drop(stack);
        assert_eq!(copy.iter().count(), 300_000);
    }
}
