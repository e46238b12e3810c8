//! Changes that are made as a whole or not at all.

/// Runs a change in which code of the caller may panic. If it does, `clear` is called, because what is left
/// would follow no law.
pub(crate) fn whole<S, A>(
    sample: &mut S,
    clear: fn(&mut S),
    change: impl FnOnce(&mut S) -> A,
) -> A {
    struct Guard<'a, S> {
        sample: &'a mut S,
        clear: fn(&mut S),
        is_whole: bool,
    }
    impl<S> Drop for Guard<'_, S> {
        fn drop(&mut self) {
            if !self.is_whole {
                (self.clear)(self.sample);
            }
        }
    }
    let mut guard = Guard {
        sample,
        clear,
        is_whole: false,
    };
    let answer = change(guard.sample);
    guard.is_whole = true;
    answer
}
