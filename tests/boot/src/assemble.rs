//! Machine code by name: assembled into the test's constants, never run on the host.

/// The programs of a module.
///
/// Macros for the assembler: `gate n` calls gate function *n*, `handle slot, register` loads a handle from the start
/// page at `r12`, `finish value` ends with an exit code.
#[macro_export]
macro_rules! programs {
    (in $module:ident: $($name:ident: $($line:literal)+;)+) => {
        ::std::arch::global_asm!(
            ".pushsection .rodata.programs,\"a\"",
            ".macro gate n\n mov rax, 0x13fffd000 + \\n * 128\n call rax\n.endm",
            ".macro handle slot, into\n mov \\into, [r12 + 64 + 32 * \\slot]\n.endm",
            ".macro finish code\n mov rdx, \\code\n xor edi, edi\n xor esi, esi\n gate 18\n ud2\n.endm",
            $(
                concat!(".global ", stringify!($module), "_", stringify!($name)),
                concat!(stringify!($module), "_", stringify!($name), ":"),
                $($line,)+
                "ud2",
            )+
            concat!(".global ", stringify!($module), "_end"),
            concat!(stringify!($module), "_end:"),
            ".purgem gate\n.purgem handle\n.purgem finish",
            ".popsection",
        );
        /// A program's bytes: they end where the next one's begin.
        fn program(name: &str) -> Vec<u8> {
            unsafe extern "C" {
                $(#[link_name = concat!(stringify!($module), "_", stringify!($name))] static $name: u8;)+
                #[link_name = concat!(stringify!($module), "_end")] static END: u8;
            }
            let starts = [$((stringify!($name), &raw const $name),)+ ("", &raw const END)];
            let at = starts.iter().position(|(one, _)| *one == name).expect("a program of this file");
            let (start, end) = (starts[at].1, starts[at + 1].1);
            // SAFETY: the assembler laid the programs out in this order, without gaps.
            unsafe { ::std::slice::from_raw_parts(start, end.offset_from_unsigned(start)).to_vec() }
        }
    };
}
