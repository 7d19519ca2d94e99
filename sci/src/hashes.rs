//! The interface hashes of the vocabulary, stated so that admission compares instead of hashing. A test derives
//! them from the table; a difference is a change of the kernel's interface.

/// Hash of each interface of [`crate::vocabulary::INTERFACES`], in its order.
pub const VOCABULARY: [[u8; 32]; 12] = [
    // DebugConsole
    hex(b"790741d14d00632b9f2588698e6519c8a54e2f77ed48302843c60ca0be1a9330"),
    // Image
    hex(b"9309082a97e2d5c1b8d896771db14fb2b17200ead978cfbc04b1302e3182207b"),
    // Program
    hex(b"12982ddd9921c9d069d6a977f9682024af49dc3181f470eeb0a0b5b7339e6608"),
    // Realm
    hex(b"4947c1da50c70c1da422cec5f2fb022be6e8a2da2bf6d04d8830dbed667f9b52"),
    // Child
    hex(b"ee89528181df7117ab2e0961dffd633044eb4777f7150050409d713df50ef37e"),
    // Memory
    hex(b"dc5b49bac8dd536ef1ffad1a4e82437c6ebeb6db63f8228cb835e4d09f92ed5b"),
    // PortRange
    hex(b"9fa1996c5e4d6f5f7c28eefe78b44db0aa76941b7cccf044c253e7c12701a0db"),
    // Interrupt
    hex(b"31c1286032b3d79fc6560ffaabec98a6877b6d2500d97ddc74ae3bd078f8e989"),
    // Notification
    hex(b"4dc1b34e31e48d040327900a7025ba7b6fc0a8134c737a1d7d976ba48d1e4e33"),
    // Clock
    hex(b"a833378c2d1fbbacf804cb860994e3fc2f33642cc747190ead68899c7a25fba9"),
    // Supervisor
    hex(b"2f4ed7fe447af2a694a4c82cd9137c4940070280b6fc6dc0c84a19a151d13bea"),
    // Machine
    hex(b"6de70b144180eea197ebe4743fc5da2b7fa533038444382705e77fae8b65237a"),
];

pub(crate) const fn hex(digits: &[u8; 64]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("hashes are written in hexadecimal"),
    }
}

#[cfg(test)]
mod tests {
    use super::VOCABULARY;
    use crate::vocabulary::{INTERFACES, interface_hash};

    #[test]
    fn the_stated_hashes_are_the_vocabularys() {
        for (interface, stated) in INTERFACES.iter().zip(VOCABULARY) {
            assert_eq!(interface_hash(interface), stated, "{}", interface.name);
        }
        assert_eq!(INTERFACES.len(), VOCABULARY.len());
    }
}
