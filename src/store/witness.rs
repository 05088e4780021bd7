//! Who looks on: sees what each transaction is about to write, whoever wrote it, and may write along with it.

use async_trait::async_trait;

use super::error::StoreError;
use super::tx::Tx;

/// Looks at each transaction once its body has run, before it commits: what follows from a change of certain rows can't
/// be forgotten by whoever changes them, and happens with them or not at all.
#[async_trait]
pub trait Witness: Send + Sync + 'static {
    /// What `tx` is about to commit: [`Tx::written`] says which rows, [`Tx::before`] what they hold, [`Tx::get`] what they
    /// will. As a transaction's body it is run again if the transaction is, and has no effect but through `tx`.
    ///
    /// # Errors
    /// [`StoreError`]: then the transaction is not committed.
    async fn look(&self, tx: &Tx) -> Result<(), StoreError>;
}
