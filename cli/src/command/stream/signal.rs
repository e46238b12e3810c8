//! Ctrl-C and SIGTERM.

use crate::error::{Error, Interrupt};

/// Calls `act` at each Ctrl-C and each SIGTERM, on a thread of its own. SIGHUP is left alone, so that
/// `nohup` works.
///
/// # Errors
///
/// If signals cannot be handled.
#[cfg(unix)]
pub(crate) fn on_interrupt(mut act: impl FnMut(Interrupt) + Send + 'static) -> Result<(), Error> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(Error::stream)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            act(match signal {
                SIGTERM => Interrupt::System,
                _ => Interrupt::User,
            });
        }
    });
    Ok(())
}

/// Calls `act` at each Ctrl-C, on a thread of its own.
///
/// # Errors
///
/// If it cannot be handled.
#[cfg(not(unix))]
pub(crate) fn on_interrupt(mut act: impl FnMut(Interrupt) + Send + 'static) -> Result<(), Error> {
    ctrlc::set_handler(move || act(Interrupt::User)).map_err(Error::stream)
}
