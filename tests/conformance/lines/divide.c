// clang --target=wasm32 -g -O1 -nostdlib -ffile-prefix-map=$PWD=/guest -fdebug-compilation-dir=/guest \
//     -Wl,--no-entry -Wl,--export=_start -o divide.wasm divide.c
volatile int zero;

__attribute__((noinline)) static int divide(int by) {
    return 84 / by;
}

void _start(void) {
    zero = divide(zero + 2);
    zero = divide(zero - 42);
}
