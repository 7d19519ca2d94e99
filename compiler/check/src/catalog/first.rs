//! Explanations of the ids before `n`.

use compiler_syntax::diagnostic::Entry;

/// In alphabetical order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "argument-count",
        explanation: "A call gives one argument for each parameter; there are no default arguments. For `fn add(a: \
                      u32, b: u32)` write `add(1, 2)`. The message lists what the function takes.",
    },
    Entry {
        id: "argument-mode",
        explanation: "A call shows what it changes. A parameter `inout n: u32` takes `&count`, a parameter `n: u32` \
                      takes `count`. Write or remove the `&`.",
    },
    Entry {
        id: "argument-type",
        explanation: "The built-in takes another kind of argument: `close` a handle, `x.low(u16)` an integer type, a \
                      kernel method that passes a capability on a capability or a handle.",
    },
    Entry {
        id: "bad-count",
        explanation: "The number of elements of an array or a table is a constant from 0 to 268,435,456, as in `[u8; \
                      4096]` and `Table[Job, 64]`.",
    },
    Entry {
        id: "bad-depth",
        explanation: "`@depth(16)` before a recursive function says how many of its calls are open at most, which \
                      bounds the stack. The number is from 1 to 1,000,000.",
    },
    Entry {
        id: "bad-fact",
        explanation: "A fact is a line of a key and what the key takes, such as `priority 20` or `restart on-fault`. \
                      The help shows the form of this key.",
    },
    Entry {
        id: "binding-in-alternative",
        explanation: "`Shape.circle(r) | Shape.square(r)` would leave open which of the two gave `r`. Alternatives \
                      bind no names: write an arm for each, or `_` in place of the name.",
    },
    Entry {
        id: "code-beside-crate",
        explanation: "Where `Cargo.toml` stands beside `component.in`, the component's code is the crate. The `.in` \
                      files there declare: the component block, interfaces, enums, constants. Write functions, state \
                      and tests in Rust, or `.in` code in a folder of its own.",
    },
    Entry {
        id: "constant-cycle",
        explanation: "`const a = b` and `const b = a` have no value: constants are computed before the program runs. \
                      Give one of them a value of its own.",
    },
    Entry {
        id: "constant-handle",
        explanation: "A handle is made by the kernel while the component runs, so no constant holds one, not even \
                      `none` of `Memory(view)?`. Keep handles in a table.",
    },
    Entry {
        id: "defer-in-defer",
        explanation: "`defer` runs code when its block is left. The block is being left when deferred code runs, so \
                      that code cannot defer anything. Call the function directly.",
    },
    Entry {
        id: "duplicate-fact",
        explanation: "A fact such as `arena 64KiB` is stated once in a block; the image carries one value. Remove one \
                      of the two lines.",
    },
    Entry {
        id: "duplicate-member",
        explanation: "Fields, variants, parameters, methods and instances have names of their own within what holds \
                      them. Rename or remove one of the two.",
    },
    Entry {
        id: "duplicate-name",
        explanation: "All declarations and imports of a package share one space of names, whatever file they stand in. \
                      Rename one of the two; an import takes another name with `import store as other`.",
    },
    Entry {
        id: "empty-array",
        explanation: "`let a = []` does not show what the elements would be. Say the type: `let a: [u8; 0] = []`.",
    },
    Entry {
        id: "empty-enum",
        explanation: "An enum without variants has no values, so nothing could ever have its type. List the variants: \
                      `enum Colour { red, green }`.",
    },
    Entry {
        id: "empty-range",
        explanation: "The end of a range is not part of it, so `5..5` holds nothing and `0..256` all of u8. Write a \
                      range with at least one value of the type.",
    },
    Entry {
        id: "empty-system",
        explanation: "A `system` block says what runs. Without an `instance server: counter.Server` line there is \
                      nothing to boot.",
    },
    Entry {
        id: "endless-type",
        explanation: "`struct Node { next: Node? }` would contain itself without end, because values lie where they \
                      are declared. Keep nodes in a table and hold an id: `next: Id[Node]?`.",
    },
    Entry {
        id: "error-ignored",
        explanation: "The call may fail and nobody looks at whether it did. `write()?` hands the error on, `write() or \
                      return` leaves, `match` tells the errors apart.",
    },
    Entry {
        id: "error-mismatch",
        explanation: "`?` hands an error on as it is, so it must be of the enum that this function states after `!`. \
                      Turn it into one of the function's own: `read() or return Failure.disk`.",
    },
    Entry {
        id: "error-not-enum",
        explanation: "What follows `!` in `fn f() -> u32 ! Failure` is an enum: its variants are the errors, with what \
                      they carry.",
    },
    Entry {
        id: "foreign-authority",
        explanation: "A capability or parameter belongs to the component of its package. A function that names it can \
                      only be called there: in another component the same place holds something else. Let the function \
                      take what it needs: `pub fn log(out: DebugConsole(write), line: str)`, called as \
                      `b.log(console, \"…\")`.",
    },
    Entry {
        id: "function-not-called",
        explanation: "A function is no value: nothing can hold one, so the call graph and the stack's bound are exact. \
                      Call it, `name()`, even if it takes nothing.",
    },
    Entry {
        id: "grant-mismatch",
        explanation: "A `grant` line gives a capability an object of the capability's own interface: `ports(0x3f8, 8)` \
                      for a PortRange, `interrupt(4)` for an Interrupt, `clock()` for a Clock.",
    },
    Entry {
        id: "handle-copied",
        explanation: "A handle is one right in one place. `[pages; 4]` and a loop over elements with handles would \
                      make several of one. Make each by itself, or go through the ids of a table.",
    },
    Entry {
        id: "handle-forgotten",
        explanation: "A handle stands for something that the kernel keeps until it is given up. On every path it is \
                      closed with `close(pages)`, put into a table, returned, or given to a `take` parameter. `defer \
                      close(pages)` does it on all paths.",
    },
    Entry {
        id: "handle-overwritten",
        explanation: "`kept = other` would lose the handle that is in `kept`, and with it what the kernel keeps for \
                      it. Close it first, or keep handles in a table.",
    },
    Entry {
        id: "index-count",
        explanation: "An element is named by one index. In an array of arrays each has its own: `a[i][j]`, not `a[i, \
                      j]`.",
    },
    Entry {
        id: "index-type",
        explanation: "An element of an array or a slice is named by an integer of any type, an element of a table by \
                      its id. Other values convert with `u64(x)`.",
    },
    Entry {
        id: "initial-value",
        explanation: "State has its first value before the component starts, so the compiler computes it, and the \
                      computation did not end well. Use literals, constants and functions that call nothing outside; \
                      do the rest in `start`.",
    },
    Entry {
        id: "inout-view",
        explanation: "What is lent through `inout` can be changed by the function, and a view could be made to look \
                      at memory that ends with it. Give a view as the result, or lend the slice itself, \
                      `inout bytes: [u8]`, whose elements the function changes.",
    },
    Entry {
        id: "integer-range",
        explanation: "The number does not fit its type: u8 holds 0 to 255, i8 holds -128 to 127. Choose a wider type, \
                      or another number. The help gives the bounds of the type.",
    },
    Entry {
        id: "interface-mismatch",
        explanation: "A capability is connected to an export of the same interface: same name, methods, types and \
                      version. Connect it to another export, or let both sides import one interface.",
    },
    Entry {
        id: "interrupt-signature",
        explanation: "The kernel calls an `interrupt fn` when the line fires; it takes nothing and gives nothing. What \
                      it needs lies in state: `var seen: u32 = 0`.",
    },
    Entry {
        id: "kernel-interface",
        explanation: "Interfaces such as Clock and PortRange are carried out by the kernel, so no component exports \
                      them. Require it with `capability`, or declare an interface of your own.",
    },
    Entry {
        id: "leaves-defer",
        explanation: "Deferred code runs while its block is being left already, so `return`, `break`, `continue` \
                      cannot stand in it. Defer a call that does the whole work: `defer release(id)`.",
    },
    Entry {
        id: "method-not-called",
        explanation: "The method of a capability or an export is no value. Call it with its arguments: `clock.now()`.",
    },
    Entry {
        id: "method-with-body",
        explanation: "An interface says what its methods take and give: `fn get(key: u64) -> u64`. What they do stands \
                      in the `impl` block of the component that exports it.",
    },
    Entry {
        id: "missing-body",
        explanation: "A function has its statements in braces; only the methods of an interface have none. Write `fn \
                      f() { }`.",
    },
    Entry {
        id: "missing-field",
        explanation: "A literal gives each field a value: `Point { x: 1, y: 2 }`. A field with a default in its \
                      declaration, `y: u32 = 0`, may be left out.",
    },
    Entry {
        id: "missing-method",
        explanation: "A component carries out every method of an interface that it exports, in `impl` with the \
                      export's name: `impl counter { fn add(by: u32) { … } }`.",
    },
    Entry {
        id: "missing-provider",
        explanation: "A capability of an instance leads nowhere: no `connect` line names an export for it and no \
                      `grant` line an object. Write `connect client.counter -> server.counter`, or `grant clock = \
                      clock()`. Consoles are connected by themselves.",
    },
    Entry {
        id: "missing-return",
        explanation: "The function says that it gives a value, but its end can be reached without one. End each path \
                      with `return`, or do not state a result.",
    },
    Entry {
        id: "missing-rights",
        explanation: "A capability or a handle names the methods that may be called through it: `console: \
                      DebugConsole(write)`. Authority is never all or nothing; list what the code uses.",
    },
    Entry {
        id: "missing-self",
        explanation: "The first parameter of a method is what it is called on: `fn length(self) -> u32`, or `inout \
                      self` if it changes it. A function without `self` stands outside the struct.",
    },
    Entry {
        id: "moved-borrowed",
        explanation: "A parameter without `take` is only lent, and the caller still owns the handle. To close it, keep \
                      it or give it away, declare the parameter with `take`.",
    },
    Entry {
        id: "moved-from-state",
        explanation: "State always has a value, so taking a handle out of it would leave a hole. Keep handles in a \
                      table, `remove` the element and close what came out, or call the handle's methods where it is.",
    },
];
