//! A receiver that fails, for every test of what is told about receivers.

use forebay::stream::{BoxError, Receiver, Sender};

/// Sends a number at each call: the first fails, the second panics.
pub(crate) struct Flaky(pub(crate) u32);

impl Receiver for Flaky {
    type Item = u32;

    fn receive(&mut self, sender: &Sender<u32>) -> Result<(), BoxError> {
        self.0 += 1;
        sender.send(self.0)?;
        match self.0 {
            1 => Err("not now".into()),
            2 => panic!("not now either"),
            _ => Ok(()),
        }
    }
}
