//! A `VarOpt` sample read back by serde.

use super::StoredVarOpt;
use super::VarOpt;

impl<T, R> TryFrom<StoredVarOpt<T, R>> for VarOpt<T, R> {
    type Error = &'static str;

    fn try_from(stored: StoredVarOpt<T, R>) -> Result<Self, Self::Error> {
        let StoredVarOpt {
            capacity,
            split,
            light_weight,
            gate,
            seen,
            rng,
        } = stored;
        let mut sample = Self {
            capacity,
            split,
            light_weight,
            gate,
            seen,
            rng,
        };
        sample.check()?;
        let pool = sample.pool();
        sample.gate.restore(pool)?;
        Ok(sample)
    }
}
