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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::kernel::SystemClock;
    use crate::store::{SledBackend, Store, Table};

    const THINGS: Table<u64, String> = Table::new("witnessed");
    const TOLD: Table<u64, String> = Table::new("witness_told");

    /// Writes down what each thing was and will be; while it looks for the first time, another writes the first thing.
    struct Diarist {
        looks: AtomicUsize,
        other: Store,
    }

    #[async_trait]
    impl Witness for Diarist {
        async fn look(&self, tx: &Tx) -> Result<(), StoreError> {
            for key in tx.written(&THINGS)? {
                let (before, after) = (tx.before(&THINGS, &key).await?, tx.get(&THINGS, &key).await?);
                if after.as_deref() == Some("wrong") {
                    return Err(StoreError::Contention("wrong"));
                }
                tx.put(&TOLD, &key, &format!("{before:?} {after:?}"))?;
            }
            if self.looks.fetch_add(1, Ordering::SeqCst) == 0 {
                let write = async |tx: Tx| tx.put(&THINGS, &1, &"other".to_owned());
                self.other.transaction::<_, StoreError, _, _>("other", write).await?;
            }
            Ok(())
        }
    }

    async fn run(store: &Store, change: impl Fn(&Tx) -> Result<(), StoreError>) -> Result<(), StoreError> {
        store.transaction("test", async |tx: Tx| change(&tx)).await
    }

    #[tokio::test]
    async fn a_witness_sees_both_sides_of_what_is_written_and_is_asked_again_if_one_of_them_moves() {
        let other = Store::open(SledBackend::temporary().unwrap(), Arc::new(SystemClock)).await.unwrap();
        let diarist = Arc::new(Diarist { looks: AtomicUsize::new(0), other: other.clone() });
        let store = other.with_witness(diarist.clone());
        let put = |tx: &Tx| {
            tx.put(&THINGS, &1, &"mine".to_owned())?;
            tx.put(&THINGS, &2, &"mine".to_owned())
        };
        run(&store, put).await.unwrap();
        assert_eq!(diarist.looks.load(Ordering::SeqCst), 2, "nothing was read but by the witness");
        let told = async |key| store.reader().get(&TOLD, &key).await.unwrap();
        assert_eq!(told(1).await.as_deref(), Some("Some(\"other\") Some(\"mine\")"));
        assert_eq!(told(2).await.as_deref(), Some("None Some(\"mine\")"));
        run(&store, |tx| {
            tx.delete(&THINGS, &2);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(told(2).await.as_deref(), Some("Some(\"mine\") None"));
        assert!(run(&store, |tx| tx.put(&THINGS, &1, &"wrong".to_owned())).await.is_err());
        assert_eq!(store.reader().get(&THINGS, &1).await.unwrap().as_deref(), Some("mine"), "a witness can refuse");
    }
}
