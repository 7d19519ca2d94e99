/* Entry from ring 3 by `syscall` and by interrupt, and the ways back.

   Behind gs lies the per-CPU block (`cpu::Block`). A thread's registers at a call are in its `Registers`; after
   an interrupt every register is in its `trap::Saved`. Interrupts are off in ring 0 except while idle. */
.set T_STACK, {t_stack}
.set T_INSTRUCTION, {t_instruction}
.set T_WORDS, {t_words}
.set T_STATUS, {t_status}
.set T_VALUE, {t_value}
.set T_METHOD, {t_method}
.set T_BADGE, {t_badge}
.set T_PEER_GENERATION, {t_peer_generation}
.set T_FOURTH, {t_fourth}
.set T_SPACE, {t_space}
.set T_GENERATION, {t_generation}
.set T_RESUME, {t_resume}
.set G_STACK, {g_stack}
.set G_CURRENT, {g_current}
.set G_THREADS, {g_threads}
.set G_SAVED, {g_saved}

/* No kernel value is left in x87 or SSE registers, nor another realm's. Clobbers eax, edx. */
.macro CLEAR_VECTORS
  movl $3, %eax
  xorl %edx, %edx
  xrstor64 empty_vectors(%rip)
.endm

.text
.balign 16
.global syscall_entry
syscall_entry:
  swapgs
  movq %rcx, %r11
  shrq $12, %r11
  cmpq ${gate_page_number}, %r11
  movq %gs:G_CURRENT, %r11
  movq %rsp, T_STACK(%r11)
  movq %rcx, T_INSTRUCTION(%r11)
  movq %gs:G_STACK, %rsp
  jne outside_gate
  cmpq ${calls}, %rax
  jae save_and_call
  jmp *call_entries(,%rax,8)

/* Everything of a call that is not one of the fast ones. */
save_and_call:
  movq %rax, T_STATUS(%r11)
  movq %rdi, T_BADGE(%r11)
  movq %rsi, T_METHOD(%r11)
  movq %rdx, T_VALUE(%r11)
  movq %r10, T_FOURTH(%r11)
  movq %r8, T_PEER_GENERATION(%r11)
save_words_and_call:
  movq %rbx, T_WORDS(%r11)
  movq %rbp, T_WORDS+8(%r11)
  movq %r12, T_WORDS+16(%r11)
  movq %r13, T_WORDS+24(%r11)
  movq %r14, T_WORDS+32(%r11)
  movq %r15, T_WORDS+40(%r11)
  call system_call
/* rax: the thread to run. */
.global resume
resume:
  movq %rax, %gs:G_CURRENT
  movq %rax, %rdi
  movq T_SPACE(%rdi), %rcx
  movq %cr3, %rdx
  cmpq %rcx, %rdx
  je 1f
  movq %rcx, %cr3
1: cmpq $0, T_RESUME(%rdi)
  jne resume_interrupted
  CLEAR_VECTORS
  movq T_WORDS(%rdi), %rbx
  movq T_WORDS+8(%rdi), %rbp
  movq T_WORDS+16(%rdi), %r12
  movq T_WORDS+24(%rdi), %r13
  movq T_WORDS+32(%rdi), %r14
  movq T_WORDS+40(%rdi), %r15
  movq T_STATUS(%rdi), %rax
  movq T_VALUE(%rdi), %rdx
  movq T_METHOD(%rdi), %rsi
  movq T_PEER_GENERATION(%rdi), %r8
  movq T_FOURTH(%rdi), %r10
  xorl %r9d, %r9d
  movq T_INSTRUCTION(%rdi), %rcx
  movq T_STACK(%rdi), %rsp
  movq T_BADGE(%rdi), %rdi
  movl $0x202, %r11d
  swapgs
  sysretq

resume_interrupted:
  movq $0, T_RESUME(%rdi)
  subq %gs:G_THREADS, %rdi
  shrq $8, %rdi
  imulq ${saved_bytes}, %rdi, %rdi
  addq %gs:G_SAVED, %rdi
  fxrstor64 {saved_vectors}(%rdi)
  movq %rdi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %r11
  popq %r10
  popq %r9
  popq %r8
  popq %rbp
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rbx
  popq %rax
  swapgs
  addq $16, %rsp
  iretq

/* A call that this kernel does not have: the shortest way through. */
entry_unsupported:
  movl ${unsupported}, %eax
  xorl %edx, %edx
  movq T_INSTRUCTION(%r11), %rcx
  movq T_STACK(%r11), %rsp
  movl $0x202, %r11d
  swapgs
  sysretq

entry_call:
  movq %rdi, T_BADGE(%r11)
  movq %rsi, T_METHOD(%r11)
  movq %rdx, T_VALUE(%r11)
  call call_fast
  testq %rax, %rax
  movq %gs:G_CURRENT, %r11
  jz 1f
  shlq $8, %rax
  addq %gs:G_THREADS, %rax
  movq T_SPACE(%rax), %rcx
  movq %rax, %gs:G_CURRENT
  movq %rcx, %cr3
  movq T_INSTRUCTION(%rax), %rcx
  movq T_STACK(%rax), %rsp
  movq T_METHOD(%r11), %rsi
  movq T_GENERATION(%r11), %r8
  movq %rdx, %rdi
  CLEAR_VECTORS
  xorl %eax, %eax
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  movl $0x202, %r11d
  swapgs
  sysretq
1: movq ${ipc_call}, T_STATUS(%r11)
2: movq $0, T_FOURTH(%r11)
  movq $0, T_PEER_GENERATION(%r11)
  jmp save_words_and_call

entry_reply_receive:
  movq %rdi, T_BADGE(%r11)
  movq %rsi, T_METHOD(%r11)
  movq %rdx, T_VALUE(%r11)
  movq %rsi, %rdi
  call reply_fast
  testq %rax, %rax
  movq %gs:G_CURRENT, %r11
  jz 1f
  shlq $8, %rax
  addq %gs:G_THREADS, %rax
  movq T_SPACE(%rax), %rcx
  movq %rax, %gs:G_CURRENT
  movq %rcx, %cr3
  movq T_INSTRUCTION(%rax), %rcx
  movq T_STACK(%rax), %rsp
  CLEAR_VECTORS
  movq T_METHOD(%r11), %rax
  movq T_GENERATION(%r11), %r8
  xorl %edi, %edi
  xorl %esi, %esi
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  movl $0x202, %r11d
  swapgs
  sysretq
1: movq ${ipc_reply_recv}, T_STATUS(%r11)
  jmp 2b

outside_gate:
  call syscall_outside_gate
  jmp resume

/* Exceptions and interrupts: every vector has its stub, 16 bytes apart. */
.balign 16
.global trap_stubs
trap_stubs:
.set vector, 0
.rept 256
  .balign 16
  .if (vector == 8) || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
  .else
    pushq $0
  .endif
  pushq $vector
  jmp trap_common
  .set vector, vector + 1
.endr
trap_common:
  pushq %rax
  pushq %rbx
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %rbp
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  cld
  movq %rsp, %rdi
  testb $3, {frame_cs}(%rdi)
  jz 1f
  swapgs
  subq $512, %rsp
  andq $-64, %rsp
  fxsave64 (%rsp)
  movq %rsp, %rsi
  call trap_user
  jmp resume
1: movq %rdi, %rbx
  andq $-16, %rsp
  call trap_kernel
  movq %rbx, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %r11
  popq %r10
  popq %r9
  popq %r8
  popq %rbp
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rbx
  popq %rax
  addq $16, %rsp
  iretq

/* first_entry(thread): leaves the boot stack for ring 3. */
.global first_entry
first_entry:
  movq %rdi, %rax
  jmp resume

.section .rodata.vectors,"a",@progbits
.balign 64
empty_vectors:
  .word 0x37f                  /* FCW */
  .skip 22
  .long 0x1f80                 /* MXCSR */
  .skip 512 - 28 + 64          /* an XSAVE header of zeros: every component in its first state */
.balign 8
call_entries:
  .quad entry_call
  .quad save_and_call
  .quad entry_reply_receive
  .set number, 3
.rept {calls} - 3
  .if ({unsupported_calls} >> number) & 1
    .quad entry_unsupported
  .else
    .quad save_and_call
  .endif
  .set number, number + 1
.endr
