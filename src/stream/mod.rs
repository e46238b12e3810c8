//! The micro-batch driver.
