//! Explanations of the ids from `n` on.

use compiler_syntax::diagnostic::Entry;

/// In alphabetical order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "native-fact",
        explanation: "The compiler derives the stack of `.in` code from the code itself, and that code has no heap: \
                      `stack` and `heap` are stated only in the `component.in` of a crate, whose code the compiler \
                      does not see.",
    },
    Entry {
        id: "no-component",
        explanation: "The sources are right, but no file declares a component, so there is nothing to make an image \
                      of. A component is a block, `component Hello { }`; its code begins at the function `start`.",
    },
    Entry {
        id: "no-conversion",
        explanation: "The name of a numeric type converts integers, floats, bools and enums without payload: `u32(x)`. \
                      Between other types there is no conversion; compute the value from the parts.",
    },
    Entry {
        id: "nondeterministic-use",
        explanation: "The component states `deterministic true`, but its code calls a method whose answer depends on \
                      more than the component's inputs, such as the time. The message shows the calls that lead there. \
                      Remove the call or the fact.",
    },
    Entry {
        id: "none-without-type",
        explanation: "`let x = none` does not say what is missing. Say the type: `let x: u32? = none`.",
    },
    Entry {
        id: "not-a-method",
        explanation: "An `impl` block holds the methods of one export and nothing else. Constants, state and other \
                      functions stand outside it.",
    },
    Entry {
        id: "not-a-package",
        explanation: "In a dotted name of a type, only packages have names behind the dot: `store.Key` after `import \
                      store`. The name before this dot is not a package.",
    },
    Entry {
        id: "not-a-place",
        explanation: "Only a variable, a field or an element can be changed or lent with `&`. A literal, a constant or \
                      the result of a call has no place: bind it with `var` first.",
    },
    Entry {
        id: "not-a-sequence",
        explanation: "`for` goes through a range `0..n`, the elements of an array or a slice, or the ids of a table. \
                      For the bytes of text write `text.bytes`.",
    },
    Entry {
        id: "not-a-struct",
        explanation: "A name with braces behind it, `Point { x: 1 }`, is a literal of a struct, and this name is \
                      something else. A variant is written `Shape.circle(3)`.",
    },
    Entry {
        id: "not-a-type",
        explanation: "A type is a struct, an enum, an interface with its rights, or a built-in one such as u32. This \
                      name stands for something else.",
    },
    Entry {
        id: "not-a-value",
        explanation: "This name stands for a type or a package, not for a value. Name a variable, a constant, a \
                      variant such as `Colour.red`, or call a function.",
    },
    Entry {
        id: "not-an-interface",
        explanation: "`capability` and `export` name an interface: one of the system's, such as DebugConsole, or one \
                      that a package declares with `interface`.",
    },
    Entry {
        id: "not-callable",
        explanation: "Only functions, methods, variants and numeric types have arguments behind them. A struct is \
                      written `Point { x: 1 }`; nothing can hold a function.",
    },
    Entry {
        id: "not-comparable",
        explanation: "Integers, floats, bools, ids, text and enums without payload compare with `==`, numbers also \
                      with `<`. For other values compare the parts, or use `match`.",
    },
    Entry {
        id: "not-constant",
        explanation: "The length of an array or a table is known when the program is compiled: `[u8; 2 * size]` with \
                      `const size = 64`. It is made of literals, constants and arithmetic.",
    },
    Entry {
        id: "not-exhaustive",
        explanation: "A `match` has an arm for every value, so that no case is forgotten. The message shows one that \
                      no arm takes; arms with `if` do not count. `_ -> …` takes all the rest.",
    },
    Entry {
        id: "not-fallible",
        explanation: "`?` and `or` look at whether a value is there: they take `T?` and `T ! E`. This value is always \
                      there; remove them. For two bools write `||`.",
    },
    Entry {
        id: "not-indexable",
        explanation: "Arrays, slices and tables have elements; arrays and slices have parts `a[2..5]`. The bytes of \
                      text are `text.bytes`.",
    },
    Entry {
        id: "not-printable",
        explanation: "Braces in text write text, integers, bools and enums. Write the parts of other values one by \
                      one: `\"{p.x}, {p.y}\"`.",
    },
    Entry {
        id: "not-supported-yet",
        explanation: "The language has this, but the compiler gives it no meaning yet. It is refused rather than \
                      misunderstood. The message names the construct; say it another way.",
    },
    Entry {
        id: "not-writable",
        explanation: "What is declared with `let`, a parameter without `inout`, and a constant keep their value. \
                      Declare a variable with `var`, and a parameter that the function changes with `inout`.",
    },
    Entry {
        id: "nothing-runs",
        explanation: "A component's code runs because the kernel starts it, because a peer calls what it exports, or \
                      because an interrupt arrives. This one has no `fn start()`, no `export` and no `interrupt fn`, \
                      so it ends as soon as it begins. The entry is called `start`, not `main`.",
    },
    Entry {
        id: "operand-mismatch",
        explanation: "Both sides of an operator have the same type; nothing is converted silently. Convert one side: \
                      `u64(a) < b`. A conversion traps if the value does not fit.",
    },
    Entry {
        id: "operand-type",
        explanation: "The operator is not defined for this type: `-x` takes a signed integer or a float, `!x` a bool, \
                      `x << 1` integers, arithmetic numbers. Convert the value or use another operator.",
    },
    Entry {
        id: "outside-loop",
        explanation: "`break` and `continue` belong to a `while`, `for` or `loop` around them in the same function. \
                      `return` leaves the function.",
    },
    Entry {
        id: "overlapping-arguments",
        explanation: "What a call may change is lent to it alone. In `swap(&n, &n)` both arguments are the same \
                      memory. Copy one of the two into a variable first.",
    },
    Entry {
        id: "pattern-count",
        explanation: "A pattern names each field of its variant: `Shape.box(w, h)`, with `_` for one that does not \
                      matter. `Shape.box` alone leaves all of them out.",
    },
    Entry {
        id: "pattern-type",
        explanation: "The pattern is of another type than the value that it is held against, as `\"one\"` for a u8. \
                      Write a literal, a range, a variant or a tuple of the value's own type.",
    },
    Entry {
        id: "private-name",
        explanation: "A declaration is seen in its own package only. `pub` before it shows it to packages that import \
                      this one.",
    },
    Entry {
        id: "range-here",
        explanation: "A range is no value. It stands after `in`, as in `for i in 0..n`, in the brackets of a part, \
                      `bytes[2..5]`, and in patterns.",
    },
    Entry {
        id: "range-type",
        explanation: "A loop over `from..to` runs over integers of one type. Convert the ends with `u32(x)` where they \
                      are something else.",
    },
    Entry {
        id: "recursion",
        explanation: "The function calls itself, directly or through others, so its stack would have no bound. The \
                      message shows the circle. Write a loop, or bound it: `@depth(16)` before the function, which \
                      traps beyond.",
    },
    Entry {
        id: "refutable-pattern",
        explanation: "`let` binds whatever the value is, but this pattern takes only some values. Use `match`, or `let \
                      x = value or return`.",
    },
    Entry {
        id: "reserved-name",
        explanation: "The name is built into the language, like u32, Table or Clock, and means the same in every \
                      program. Choose another.",
    },
    Entry {
        id: "return-value",
        explanation: "The function says that it gives a value, so `return` has one behind it: `return 0`.",
    },
    Entry {
        id: "rights-missing",
        explanation: "A handle's type names its rights, and the one that is needed is not among them. Ask for it where \
                      the handle comes from: `fn f(out: DebugConsole(write, flush))`.",
    },
    Entry {
        id: "second-component",
        explanation: "A package holds one component, because state and functions of the package are the component's. \
                      Put the other into a folder of its own.",
    },
    Entry {
        id: "second-provider",
        explanation: "A capability leads to one export, but two `connect` lines give it one. Remove one of the two, or \
                      add a second capability.",
    },
    Entry {
        id: "second-system",
        explanation: "A project describes one system with one `system` block. Put another system into a project of its \
                      own.",
    },
    Entry {
        id: "self-outside-method",
        explanation: "`self` is what a method of a struct is called on. Give the parameter of a function a name and a \
                      type: `fn length(p: Point)`.",
    },
    Entry {
        id: "signature-mismatch",
        explanation: "A method in an `impl` block takes and gives exactly what its interface says: same types, same \
                      modes, same error. Copy the line from the interface.",
    },
    Entry {
        id: "slot-moved",
        explanation: "A capability of the component stays in its slot as long as the component lives. Call its \
                      methods, or lend it to a function: `fn log(out: DebugConsole(write))`, called as `log(console)`.",
    },
    Entry {
        id: "start-signature",
        explanation: "The kernel calls `start` when it starts the component; there is nobody to give it arguments or to \
                      take a result. Numbers come as parameters, `param limit = 8` in the component block, which the \
                      code reads as `limit`. `fn start() ! Failure` may end with an error.",
    },
    Entry {
        id: "status-ok",
        explanation: "`Status.ok` is what the kernel answers when nothing went wrong, so no error can have it. A method \
                      that went well gives its value, or returns without one.",
    },
    Entry {
        id: "table-type",
        explanation: "`Table.empty()` does not show what the table would hold. Say the type: `var jobs: Table[Job, 16] \
                      = Table.empty()`.",
    },
    Entry {
        id: "text-needs-writer",
        explanation: "Text with `{ }` is never put together in memory: its parts go straight into a message. It stands \
                      only as the text argument of an interface's method: `console.write(\"{n} files\")`.",
    },
    Entry {
        id: "too-large",
        explanation: "A stack has at most 16 MiB, an image 64 MiB, and a component's state 512 MiB. Large buffers lie \
                      in state; what is larger than the machine's memory must be worked on in parts.",
    },
    Entry {
        id: "too-many-arguments",
        explanation: "A message carries six words, so a method of an interface has at most six parameters. Lend \
                      several values as one slice, or split the method.",
    },
    Entry {
        id: "too-many-arms",
        explanation: "Each arm of a `match` is compared with all before it, so there are at most 2048. A constant array \
                      that the value indexes holds more: `const table: [u16; 5000] = …`.",
    },
    Entry {
        id: "too-many-capabilities",
        explanation: "A component holds at most 64 capabilities. Split it; a component that needs so much authority \
                      does too many things.",
    },
    Entry {
        id: "too-many-interrupts",
        explanation: "A component has at most 64 interrupt functions: each is one bit of the word in which the kernel \
                      tells what fired. Split the component.",
    },
    Entry {
        id: "too-many-methods",
        explanation: "An interface has at most 64 methods, because each right is one bit of a mask. Split it into two \
                      interfaces.",
    },
    Entry {
        id: "try-outside",
        explanation: "`?` leaves the function with the error or with `none`, so the function must be able to give it: \
                      `fn f() -> u32 ! Failure`, or `-> u32?`. Otherwise say with `or` what to do.",
    },
    Entry {
        id: "type-arguments",
        explanation: "`Id` takes the type of a table's element, `Table` an element and a number: `Id[Job]`, \
                      `Table[Job, 16]`. Other types have no brackets.",
    },
    Entry {
        id: "type-mismatch",
        explanation: "A value of another type stands where this one is wanted; nothing is converted silently. `u32(x)` \
                      converts numbers and traps if the value does not fit; `or` and `?` take a value out of `T?` and \
                      `T ! E`.",
    },
    Entry {
        id: "type-too-large",
        explanation: "Structs and enums lie within each other at most 64 deep, and a type has at most 65,536 parts. Hold \
                      an `Id` of a table's element in place of the element.",
    },
    Entry {
        id: "undeclared-use",
        explanation: "The code calls a method that the component does not declare. The message shows the calls that \
                      lead there. Authority is declared, never ambient: add the method to the capability's line, \
                      `console: DebugConsole(write, flush)`, or remove the call.",
    },
    Entry {
        id: "unit-variable",
        explanation: "The call gives nothing, so there is nothing to name. Write it as a statement of its own.",
    },
    Entry {
        id: "unknown-capability",
        explanation: "`connect` and `grant` name a capability as the component's `capability` line does: `connect \
                      client.counter -> server.counter`. The component has none of this name.",
    },
    Entry {
        id: "unknown-component",
        explanation: "`instance` names a component by its package and its name: `instance server: counter.Server`. The \
                      package is the folder below the project's root.",
    },
    Entry {
        id: "unknown-export",
        explanation: "`impl` and `connect` name an export as the component's `export` line does: `export counter: \
                      Counter` and `impl counter { … }`. There is none of this name.",
    },
    Entry {
        id: "unknown-fact",
        explanation: "Facts have fixed keys, so that a misspelt one is not lost silently. The help lists the keys of \
                      this block.",
    },
    Entry {
        id: "unknown-field",
        explanation: "The struct has no field of that name; the help lists those it has. A tuple is taken apart by \
                      `let (a, b) = pair`; arrays, slices and text have `.len`.",
    },
    Entry {
        id: "unknown-grant",
        explanation: "`grant` names an object of the kernel: `ports(0x3f8, 8)`, `interrupt(4)`, `memory()`, `clock()`, \
                      `notification()`, `machine()`; for drivers `registers(0xfeb00000, 4KiB)`, `pages(64KiB)`.",
    },
    Entry {
        id: "unknown-instance",
        explanation: "`connect` names instances of the same block: `instance server: counter.Server` before `connect \
                      client.counter -> server.counter`.",
    },
    Entry {
        id: "unknown-method",
        explanation: "What stands before the dot has no method of that name. Structs have those that they declare, \
                      interfaces those that the help lists, tables `insert`, `remove` and `has`.",
    },
    Entry {
        id: "unknown-modifier",
        explanation: "Before `fn` stands nothing, or `interrupt` for a function that the kernel calls when a line \
                      fires.",
    },
    Entry {
        id: "unknown-name",
        explanation: "Nothing of that name is declared in this package, in the function, or in the package before the \
                      dot. A `-` before a letter joins names: `a-b` is one name, `a - b` a subtraction.",
    },
    Entry {
        id: "unknown-package",
        explanation: "`import counter` names a folder with `.in` files below the project's root, with dots for the \
                      folders on the way: `import drivers.uart`.",
    },
    Entry {
        id: "unknown-right",
        explanation: "A right is a method of the interface: `DebugConsole(write)`. The help lists the methods.",
    },
    Entry {
        id: "unknown-variant",
        explanation: "The type has no variant of that name. An optional has `some` and `none`, a result `ok` and \
                      `err`, an enum those that it declares.",
    },
    Entry {
        id: "unreachable-arm",
        explanation: "The arms of a `match` are tried in order, and the earlier ones take every value of this one. \
                      Remove it, or put it before them.",
    },
    Entry {
        id: "unreachable-code",
        explanation: "What stands before always leaves with `return`, `break`, `continue` or an endless loop, so this \
                      never runs. Remove one of the two.",
    },
    Entry {
        id: "unused-capability",
        explanation: "The component declares a capability that its code never uses. The image does not ask for it; the \
                      line only misleads whoever reads what the component may do. Remove it.",
    },
    Entry {
        id: "unused-right",
        explanation: "The component declares more methods than its code uses. The image asks for what is used; let the \
                      line say the same, so that a reader sees the true authority.",
    },
    Entry {
        id: "unused-variable",
        explanation: "The name is bound and never read. Remove it, or name it `_` or `_rest` to say that the value is \
                      not wanted.",
    },
    Entry {
        id: "used-after-move",
        explanation: "The handle was closed or given away before, on this path or on some. A handle has one owner: \
                      lend it to a parameter without `take` instead, and close it last, as with `defer close(pages)`.",
    },
    Entry {
        id: "useless-expression",
        explanation: "The value is computed and nobody uses it. Assign it, return it, or remove the line; `==` \
                      compares and does not assign.",
    },
    Entry {
        id: "view-escapes",
        explanation: "Text and slices look at memory that lies elsewhere. This one looks at a variable of this \
                      function, which ends with it. Let the caller lend the memory: `fn fill(inout into: [u8]) -> \
                      u64`.",
    },
    Entry {
        id: "view-in-field",
        explanation: "Text and slices look at memory that lies elsewhere, so no field and no variant keeps one. Hold \
                      the bytes in an array, `name: [u8; 32]`, and their number beside it.",
    },
    Entry {
        id: "view-in-state",
        explanation: "Text and slices look at memory that lies elsewhere, so state keeps none. Hold the bytes in an \
                      array, `var name: [u8; 32] = [0; 32]`, and their number beside it. Fixed text is a `const`.",
    },
    Entry {
        id: "view-rebound",
        explanation: "An `inout` slice lends its elements: the function may change them, but the caller's view goes \
                      on looking at the same memory. Change elements one by one or with `copy-from`, or give the part \
                      that matters as the result and let the caller assign it.",
    },
    Entry {
        id: "wrong-label",
        explanation: "Arguments stand in the order of the parameters. A label, as in `move-to(x: 1, y: 2)`, repeats \
                      the name of the parameter in its place and changes nothing.",
    },
];
