/* The only way into and out of guest code.

   A worker's words lie in its thread's static TLS block: one fs-relative access. A guest finds its activation
   there, so a thunk needs no hidden argument.

   The rule of ticks: every way into a guest is `check` (compare the pending word) and a *tail* that only reads
   memory and ends with the jump into guest text. A tick whose PC lies in [tail, end) sets the pending word and puts
   PC back on `check` and rsp back on the worker's stack; so nobody enters a guest with a tick unseen. What the
   pending path of a `check` needs (in the gate: r11, rax, rdx, xmm0, xmm1, callee-saved) its tail leaves alone. */

.set STACK, {stack}
.set TOP, {top}
.set TABLE, {table}
.set ENTRY, {entry}
.set REQUEST, {request}
.set EVENT, {event}
.set INTS, {ints}
.set FLOATS, {floats}
.set FRAME, {frame}

.set EVENT_BAILED, {event_bailed}
.set EVENT_PENDING, {event_pending}
.set EVENT_HOST_TRAP, {event_host_trap}

/* `Registers`: six integers, eight floats, two integer results, two float results; what is beyond keeps the
   stack aligned. */
.set REGISTER_FLOATS, 48
.set RESULT_INTS, 176
.set RESULT_FLOATS, 192
.set REGISTER_BYTES, 232

.section .tbss.space_host, "awT", @nobits
.p2align 3
.globl space_host_activation, space_host_stack, space_host_pending, space_host_thread
.hidden space_host_activation, space_host_stack, space_host_pending, space_host_thread
.type space_host_activation, @object
.type space_host_stack, @object
.type space_host_pending, @object
.type space_host_thread, @object
space_host_activation: .zero 8
space_host_stack: .zero 8
space_host_pending: .zero 8
space_host_thread: .zero 8

.macro PUSH_CALLEE_SAVED
  push rbp
  push rbx
  push r12
  push r13
  push r14
  push r15
.endm

.macro POP_CALLEE_SAVED
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbx
  pop rbp
.endm

/* Makes rdi the current activation; what was current is kept on the worker's stack. r11 becomes the activation. */
.macro BEGIN
  PUSH_CALLEE_SAVED
  push qword ptr fs:[space_host_stack@tpoff]
  push qword ptr fs:[space_host_activation@tpoff]
  sub rsp, 8
  mov fs:[space_host_stack@tpoff], rsp
  mov fs:[space_host_activation@tpoff], rdi
  mov r11, rdi
.endm

.macro FINISH
  add rsp, 8
  pop qword ptr fs:[space_host_activation@tpoff]
  pop qword ptr fs:[space_host_stack@tpoff]
  POP_CALLEE_SAVED
.endm

/* Begins a tail; \otherwise is where a pending tick leads. */
.macro CHECK name, otherwise
\name\()_check:
  cmp qword ptr fs:[space_host_pending@tpoff], 0
\name\()_tail:
  jne \otherwise
.endm

/* (rdi activation, rsi entry, rdx arguments) -> rax, rdx of the guest. */
.macro GUEST_CALL name, floats
.p2align 5
.globl \name
.hidden \name
\name:
  BEGIN
  mov rax, rsi
  mov r10, rdx
  CHECK \name, bail
  mov rdi, [r10]
  mov rsi, [r10 + 8]
  mov rdx, [r10 + 16]
  mov rcx, [r10 + 24]
  mov r8, [r10 + 32]
  mov r9, [r10 + 40]
.if \floats
  movups xmm0, [r10 + REGISTER_FLOATS]
  movups xmm1, [r10 + REGISTER_FLOATS + 16]
  movups xmm2, [r10 + REGISTER_FLOATS + 32]
  movups xmm3, [r10 + REGISTER_FLOATS + 48]
  movups xmm4, [r10 + REGISTER_FLOATS + 64]
  movups xmm5, [r10 + REGISTER_FLOATS + 80]
  movups xmm6, [r10 + REGISTER_FLOATS + 96]
  movups xmm7, [r10 + REGISTER_FLOATS + 112]
.endif
  mov rsp, [r11 + TOP]
  call rax
\name\()_end:
.if \floats
  mov r11, fs:[space_host_activation@tpoff]
  movups [r11 + FLOATS], xmm0
  movups [r11 + FLOATS + 16], xmm1
.endif
  mov rsp, fs:[space_host_stack@tpoff]
  FINISH
  ret
.endm

.text
.globl space_host_gate_begin
.hidden space_host_gate_begin
space_host_gate_begin:

GUEST_CALL space_host_call, 0
GUEST_CALL space_host_call_floats, 1

/* A tick came before the guest was entered. */
.p2align 4
bail:
  mov r11, fs:[space_host_activation@tpoff]
  mov dword ptr [r11 + EVENT], EVENT_BAILED
/* Leaves the guest, rsp on the worker's stack. The return stack's top is the guest's: `ret` would mispredict. */
.globl space_host_leave
.hidden space_host_leave
space_host_leave:
  FINISH
  pop r11
  jmp r11

/* (rdi activation): back to where the gate saved the guest; -> rax, rdx of the guest. */
.p2align 4
.globl space_host_resume
.hidden space_host_resume
space_host_resume:
  BEGIN
  CHECK space_host_resume, bail
  mov rax, [r11 + INTS]
  mov rdx, [r11 + INTS + 8]
  movups xmm0, [r11 + FLOATS]
  movups xmm1, [r11 + FLOATS + 16]
  mov rsp, [r11 + STACK]
  POP_CALLEE_SAVED
  pop r11
  jmp r11
space_host_resume_end:

/* (rdi activation): back to where a tick saved the guest; -> rax, rdx of the guest. Saving a guest in this tail
   would overwrite the frame that it resumes: the rollback is needed for more than the tick. */
.p2align 4
.globl space_host_resume_frame
.hidden space_host_resume_frame
space_host_resume_frame:
  BEGIN
  CHECK space_host_resume_frame, bail
  mov rsp, [r11 + FRAME]
  mov eax, {rt_sigreturn}
  syscall
space_host_resume_frame_end:
  ud2

/* From a thunk: eax is the offset of the import's entry in the table. A call, not a jump to a loop, keeps calls
   and returns paired; callee-saved registers need no saving. */
.p2align 5
.globl space_host_gate
.hidden space_host_gate
space_host_gate:
  mov r11, fs:[space_host_activation@tpoff]
  mov [r11 + STACK], rsp
  add rax, [r11 + TABLE]
  mov rsp, fs:[space_host_stack@tpoff]
  mov [r11 + ENTRY], rax
  call [rax]
  mov r11, fs:[space_host_activation@tpoff]
  cmp dword ptr [r11 + REQUEST], 0
  jne gate_request
  CHECK space_host_gate, gate_pending
  mov rsp, [r11 + STACK]
  ret
space_host_gate_end:

gate_pending:
  mov dword ptr [r11 + EVENT], EVENT_PENDING
  jmp gate_save
/* The host function asked to leave the guest. */
gate_request:
  mov r10d, [r11 + REQUEST]
  mov dword ptr [r11 + REQUEST], 0
  mov [r11 + EVENT], r10d
  cmp r10d, EVENT_HOST_TRAP
  je space_host_leave
gate_save:
  mov [r11 + INTS], rax
  mov [r11 + INTS + 8], rdx
  movups [r11 + FLOATS], xmm0
  movups [r11 + FLOATS + 16], xmm1
  mov rsp, [r11 + STACK]
  PUSH_CALLEE_SAVED
  mov [r11 + STACK], rsp
  mov rsp, fs:[space_host_stack@tpoff]
  jmp space_host_leave

/* A host function that takes its arguments from memory: (registers, data of the entry in rax). */
.p2align 4
.globl space_host_spill
.hidden space_host_spill
space_host_spill:
  sub rsp, REGISTER_BYTES
  mov [rsp], rdi
  mov [rsp + 8], rsi
  mov [rsp + 16], rdx
  mov [rsp + 24], rcx
  mov [rsp + 32], r8
  mov [rsp + 40], r9
  movaps [rsp + REGISTER_FLOATS], xmm0
  movaps [rsp + REGISTER_FLOATS + 16], xmm1
  movaps [rsp + REGISTER_FLOATS + 32], xmm2
  movaps [rsp + REGISTER_FLOATS + 48], xmm3
  movaps [rsp + REGISTER_FLOATS + 64], xmm4
  movaps [rsp + REGISTER_FLOATS + 80], xmm5
  movaps [rsp + REGISTER_FLOATS + 96], xmm6
  movaps [rsp + REGISTER_FLOATS + 112], xmm7
  xorps xmm0, xmm0
  movaps [rsp + RESULT_INTS], xmm0
  movaps [rsp + RESULT_FLOATS], xmm0
  movaps [rsp + RESULT_FLOATS + 16], xmm0
  mov rdi, rsp
  mov rsi, [rax + 8]
  call {call_function}
  mov rax, [rsp + RESULT_INTS]
  mov rdx, [rsp + RESULT_INTS + 8]
  movaps xmm0, [rsp + RESULT_FLOATS]
  movaps xmm1, [rsp + RESULT_FLOATS + 16]
  add rsp, REGISTER_BYTES
  ret

.globl space_host_gate_limit
.hidden space_host_gate_limit
space_host_gate_limit:

/* For the handler: check, tail, end of each way into a guest. */
.section .data.rel.ro.space_host, "aw", @progbits
.p2align 3
.globl space_host_tails
.hidden space_host_tails
space_host_tails:
.macro TAIL name
  .quad \name\()_check, \name\()_tail, \name\()_end
.endm
TAIL space_host_call
TAIL space_host_call_floats
TAIL space_host_resume
TAIL space_host_resume_frame
TAIL space_host_gate
.text
