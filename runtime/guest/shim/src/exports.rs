//! The functions that the library offers: one line for each of the Guest ABI, of WASI, and of what is owed to guests.
//!
//! A call passes its values in registers, or in 16-byte cells where they are too many (`sci::linkage::in_registers`).

use sci::guest::ValueType;

/// A function that is offered to guests.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    /// Its exported name.
    pub name: &'static str,
    /// Its index in the table that it belongs to.
    pub index: usize,
    /// Types of its parameters.
    pub parameters: &'static [ValueType],
}

/// Where the realm's first thread begins: no guest calls it.
pub const START: &str = "space.start";

macro_rules! ty {
    (i32) => {
        ValueType::I32
    };
    (u32) => {
        ValueType::I32
    };
    (i64) => {
        ValueType::I64
    };
    (u64) => {
        ValueType::I64
    };
}

macro_rules! exports {
    (
        abi { $($number:literal $abi:literal $serve:ident($($argument:ident: $type:ident),*);)+ }
        wasi { $($index:literal $wasi:literal $call:ident($($value:ident: $width:ident),*);)+ }
        cells { $($place:literal $large:literal $take:ident($($cell:ident),*);)+ }
        owed { $($at:literal $owed:literal $carry:ident($($word:ident: $size:ident),*) $(-> $result:ident)?;)+ }
    ) => {
        /// Functions of the Guest ABI, by number.
        pub const ABI: &[Export] =
            &[$(Export { name: $abi, index: $number, parameters: &[$(ty!($type)),*] }),+];
        /// Functions of WASI, by index, those that registers hold.
        pub const WASI: &[Export] =
            &[$(Export { name: $wasi, index: $index, parameters: &[$(ty!($width)),*] }),+];
        /// Functions of WASI that pass their values in cells.
        pub const CELLS: &[Export] =
            &[$(Export { name: $large, index: $place, parameters: &[$(ty!($cell)),*] }),+];
        /// What the runtime owes every guest, by index.
        pub const OWED: &[Export] =
            &[$(Export { name: $owed, index: $at, parameters: &[$(ty!($size)),*] }),+];

        #[cfg(feature = "bare")]
        mod functions {
            use crate::bare::{calls, owed};

            $(#[unsafe(export_name = $abi)]
            extern "C" fn $serve($($argument: $type),*) -> i32 {
                calls::abi(&sci::guest::FUNCTIONS[$number], &[$($argument),*])
            })+
            $(#[unsafe(export_name = $wasi)]
            extern "C" fn $call($($value: $width),*) -> i32 {
                calls::wasi(&sci::guest::WASI_FUNCTIONS[$index], &[$($value.into()),*])
            })+
            $(#[unsafe(export_name = $large)]
            extern "C" fn $take(cells: u64) {
                calls::wasi_in_cells(&sci::guest::WASI_FUNCTIONS[$place], cells);
            })+
            $(#[unsafe(export_name = $owed)]
            extern "C" fn $carry($($word: $size),*) $(-> $result)? {
                owed::$carry($($word),*)
            })+
        }
    };
}

exports! {
    abi {
        0 "sys.log" log(a: i32, b: i32);
        1 "sys.sleep" sleep(a: i32);
        2 "sys.yield" pause();
        3 "sys.self_emit" self_emit(a: i32, b: i32);
        4 "net.emit_to" emit_to(a: i32, b: i32, c: i32, d: i32);
        5 "net.recv_next" recv_next(a: i32, b: i32);
        6 "net.message_info" message_info(a: i32, b: i32);
        7 "data.get" get(a: i32, b: i32, c: i32, d: i32);
        8 "data.put" put(a: i32, b: i32, c: i32, d: i32);
        9 "data.delete" delete(a: i32, b: i32);
        10 "data.list" list(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32);
        11 "data.blob_open" blob_open(a: i32, b: i32, c: i32);
        12 "data.blob_read" blob_read(a: i32, b: i32, c: i32);
        13 "data.blob_write" blob_write(a: i32, b: i32, c: i32);
        14 "data.blob_close" blob_close(a: i32, b: i32);
        15 "agent.invoke_df" invoke_df(a: i32, b: i32, c: i32, d: i32);
        16 "agent.invoke_af" invoke_af(a: i32, b: i32, c: i32, d: i32);
        17 "agent.invoke_llm" invoke_llm(a: i32, b: i32, c: i32, d: i32);
        18 "events.register_recognizer" register_recognizer(a: i32, b: i32, c: i32, d: i32);
        19 "events.subscribe" subscribe_to_event(a: i32, b: i32);
        20 "events.emit" emit(a: i32, b: i32, c: i32, d: i32);
        21 "ic.lookup" lookup(a: i32, b: i32);
        22 "ic.store" store(a: i32, b: i32, c: i32, d: i32, e: i32);
        23 "sensors.subscribe" subscribe_to_sensor(a: i32, b: i32, c: i32, d: i32);
        24 "sensors.read" read(a: i32, b: i32);
        25 "actuators.lock" lock(a: i32, b: i32, c: i32);
        26 "actuators.command" command(a: i32, b: i32, c: i32);
        27 "actuators.release" release(a: i32);
        28 "audio.capture" capture(a: i32, b: i32);
        29 "audio.playback" playback(a: i32, b: i32);
        30 "node.info" info(a: i32, b: i32);
        31 "mem.take" take(a: i32, b: i32);
        32 "z.version" version();
        33 "z.has" has(a: i32, b: i32);
    }
    wasi {
        0 "wasi_snapshot_preview1.args_get" args_get(a: i32, b: i32);
        1 "wasi_snapshot_preview1.args_sizes_get" args_sizes_get(a: i32, b: i32);
        2 "wasi_snapshot_preview1.clock_time_get" clock_time_get(a: i32, b: i64, c: i32);
        3 "wasi_snapshot_preview1.environ_get" environ_get(a: i32, b: i32);
        4 "wasi_snapshot_preview1.environ_sizes_get" environ_sizes_get(a: i32, b: i32);
        5 "wasi_snapshot_preview1.fd_close" fd_close(a: i32);
        6 "wasi_snapshot_preview1.fd_fdstat_get" fd_fdstat_get(a: i32, b: i32);
        7 "wasi_snapshot_preview1.fd_seek" fd_seek(a: i32, b: i64, c: i32, d: i32);
        8 "wasi_snapshot_preview1.fd_write" fd_write(a: i32, b: i32, c: i32, d: i32);
        9 "wasi_snapshot_preview1.poll_oneoff" poll_oneoff(a: i32, b: i32, c: i32, d: i32);
        10 "wasi_snapshot_preview1.proc_exit" proc_exit(a: i32);
        11 "wasi_snapshot_preview1.random_get" random_get(a: i32, b: i32);
        12 "wasi_snapshot_preview1.sched_yield" sched_yield();
        13 "wasi_snapshot_preview1.fd_read" fd_read(a: i32, b: i32, c: i32, d: i32);
        14 "wasi_snapshot_preview1.fd_prestat_get" fd_prestat_get(a: i32, b: i32);
        15 "wasi_snapshot_preview1.fd_prestat_dir_name" fd_prestat_dir_name(a: i32, b: i32, c: i32);
        16 "wasi_snapshot_preview1.fd_filestat_get" fd_filestat_get(a: i32, b: i32);
        18 "wasi_snapshot_preview1.fd_fdstat_set_flags" fd_fdstat_set_flags(a: i32, b: i32);
    }
    cells {
        17 "wasi_snapshot_preview1.path_open" path_open(i32, i32, i32, i32, i32, i64, i64, i32, i32);
    }
    owed {
        0 "space.memory_grow" memory_grow(memory: u32, pages: u32) -> u32;
        1 "space.table_grow" table_grow(table: u32, value: u32, elements: u32) -> u32;
        2 "space.table_set" table_set(table: u32, index: u32, value: u32);
        3 "space.table_fill" table_fill(table: u32, index: u32, value: u32, elements: u32);
        4 "space.table_copy" table_copy(to: u32, from: u32, at: u32, start: u32, elements: u32);
        5 "space.table_init" table_init(table: u32, segment: u32, at: u32, start: u32, elements: u32);
        6 "space.global_set" global_set(global: u32, value: u32);
        7 "space.foreign_call" foreign_call(reference: u32, expected: u32, cells: u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sci::guest::{FUNCTIONS, Signature, WASI_FUNCTIONS, WASI_MODULE};
    use sci::linkage::{RUNTIME_FUNCTIONS, RUNTIME_MODULE, in_registers, value};

    fn number(ty: ValueType) -> u8 {
        match ty {
            ValueType::I32 => value::I32,
            ValueType::I64 => value::I64,
            other => panic!("no function of the tables takes {}", other.name()),
        }
    }

    fn same(export: &Export, index: usize, module: &str, item: &str, parameters: &[ValueType]) {
        assert_eq!((export.name, export.index), (format!("{module}.{item}").as_str(), index));
        assert_eq!(export.parameters, parameters, "{}", export.name);
    }

    fn types(signature: &Signature) -> Vec<ValueType> {
        signature.parameters.iter().map(|parameter| parameter.value_type).collect()
    }

    fn fits(signature: &Signature) -> bool {
        let numbers = |types: Vec<ValueType>| types.into_iter().map(number);
        in_registers(numbers(types(signature)), numbers(signature.results.to_vec()))
    }

    #[test]
    fn the_guest_abi_is_offered_as_its_table_says() {
        assert_eq!(ABI.len(), FUNCTIONS.len());
        for (index, (export, function)) in ABI.iter().zip(FUNCTIONS).enumerate() {
            same(export, index, function.module, function.item, &types(&function.signature));
            assert!(fits(&function.signature) && function.signature.results == [ValueType::I32]);
        }
    }

    #[test]
    fn wasi_is_offered_as_its_table_says() {
        let mut offered: Vec<(&Export, bool)> = WASI
            .iter()
            .map(|export| (export, true))
            .chain(CELLS.iter().map(|export| (export, false)))
            .collect();
        offered.sort_by_key(|(export, _)| export.index);
        assert_eq!(offered.len(), WASI_FUNCTIONS.len());
        for (index, ((export, registers), function)) in offered.into_iter().zip(WASI_FUNCTIONS).enumerate() {
            same(export, index, WASI_MODULE, function.item, &types(&function.signature));
            assert_eq!(fits(&function.signature), registers, "{}", export.name);
        }
    }

    #[test]
    fn what_is_owed_is_offered_as_its_table_says() {
        assert_eq!(OWED.len(), RUNTIME_FUNCTIONS.len());
        for (index, (export, function)) in OWED.iter().zip(RUNTIME_FUNCTIONS).enumerate() {
            let of = |number: &u8| if *number == value::I32 { ValueType::I32 } else { ValueType::I64 };
            let parameters: Vec<ValueType> = function.arguments.iter().map(of).collect();
            same(export, index, RUNTIME_MODULE, function.name, &parameters);
        }
        assert!(OWED.iter().all(|export| export.name != START));
    }
}
