//! An ordered set of ids that knows the place of each: a page anywhere costs about what the first one does.

use crate::kernel::UserId;

/// How many ids one piece holds before it is cut in two.
const PIECE: usize = 1024;

/// Ids in their order, in pieces whose lengths are counted.
#[derive(Debug, Default)]
pub struct OrderedIds {
    pieces: Vec<Vec<UserId>>,
    count: usize,
}

impl OrderedIds {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Puts an id behind all others; for building from an ordered source. One that does not belong there is put where
    /// it does.
    pub fn push(&mut self, id: UserId) {
        let behind = self.pieces.last().and_then(|piece| piece.last()).is_none_or(|last| *last < id);
        match self.pieces.last_mut() {
            Some(piece) if behind && piece.len() < PIECE => piece.push(id),
            _ if behind => self.pieces.push(vec![id]),
            _ => {
                self.insert(id);
                return;
            }
        }
        self.count += 1;
    }

    /// The piece that an id belongs into.
    fn piece_of(&self, id: UserId) -> usize {
        self.pieces.partition_point(|piece| piece.last().is_some_and(|last| *last < id))
    }

    /// Puts an id in; `false` if it was there.
    pub fn insert(&mut self, id: UserId) -> bool {
        if self.pieces.is_empty() {
            self.pieces.push(Vec::new());
        }
        let index = self.piece_of(id).min(self.pieces.len() - 1);
        let piece = &mut self.pieces[index];
        let Err(place) = piece.binary_search(&id) else { return false };
        piece.insert(place, id);
        if piece.len() > PIECE {
            let behind = piece.split_off(piece.len() / 2);
            self.pieces.insert(index + 1, behind);
        }
        self.count += 1;
        true
    }

    /// Takes an id out; `false` if it was not there.
    pub fn remove(&mut self, id: UserId) -> bool {
        let index = self.piece_of(id);
        let Some(piece) = self.pieces.get_mut(index) else { return false };
        let Ok(place) = piece.binary_search(&id) else { return false };
        piece.remove(place);
        if piece.is_empty() {
            self.pieces.remove(index);
        }
        self.count -= 1;
        true
    }

    /// The ids from the place `start`, counted from zero, at most `limit`.
    pub fn page(&self, start: usize, limit: usize) -> Vec<UserId> {
        let mut skip = start;
        let mut found = Vec::with_capacity(limit.min(PIECE));
        for piece in &self.pieces {
            if skip >= piece.len() {
                skip -= piece.len();
                continue;
            }
            found.extend(piece[skip..].iter().take(limit - found.len()));
            skip = 0;
            if found.len() == limit {
                break;
            }
        }
        found
    }

    /// How many ids come before `id`.
    pub fn rank(&self, id: UserId) -> usize {
        let index = self.piece_of(id);
        let before: usize = self.pieces[..index].iter().map(Vec::len).sum();
        before + self.pieces.get(index).map_or(0, |piece| piece.partition_point(|held| *held < id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Rng, SeededRng};
    use std::collections::BTreeSet;

    #[test]
    fn it_holds_what_a_plain_set_holds_whatever_is_done() {
        let rng: Box<dyn Rng> = Box::new(SeededRng::new(3));
        let (mut model, mut set) = (BTreeSet::new(), OrderedIds::default());
        for step in 0..20_000_u32 {
            // Few first bytes, so that ids meet again.
            let [first, second, ..] = rng.bytes::<4>();
            let id = UserId::from_bytes([first, second & 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            if step % 3 == 2 {
                assert_eq!(set.remove(id), model.remove(&id));
            } else {
                assert_eq!(set.insert(id), model.insert(id));
            }
        }
        assert_eq!(set.len(), model.len());
        assert!(set.pieces.len() > 2, "the set was cut");
        let all: Vec<UserId> = model.iter().copied().collect();
        for start in [0, 1, 1000, 1024, 1025, all.len() - 1, all.len(), all.len() + 5] {
            let expected: Vec<UserId> = all.iter().skip(start).take(100).copied().collect();
            assert_eq!(set.page(start, 100), expected, "{start}");
        }
        for (place, id) in all.iter().enumerate().step_by(97) {
            assert_eq!(set.rank(*id), place);
        }
        let mut pushed = OrderedIds::default();
        for id in &all {
            pushed.push(*id);
        }
        assert_eq!(pushed.page(0, all.len()), all);
        assert_eq!(pushed.page(7, 0), []);
    }
}
