;; A string of JavaScript, which is only made for an error.
(module (func (export "__wbindgen_string_new") (param i32 i32) (result i32) (unreachable)))
