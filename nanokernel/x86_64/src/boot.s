/* Entry by multiboot1 and PVH, to long mode and Rust. Both arrive in 32-bit protected mode with paging off and
   the boot information's address in ebx. The tables made here map 1 GiB at 0, at the physical map and at
   -2 GiB; they hold until `paging::kernel_space` has made the real ones. */
.set KERNEL_BASE, 0xffffffff80000000
.set ENTRY_MULTIBOOT, 1
.set ENTRY_PVH, 2

.section .boot.header,"a",@progbits
.balign 4
multiboot_header:
  .long 0x1BADB002
  .long 0x00010003             /* modules page-aligned, memory map, address fields valid */
  .long -(0x1BADB002 + 0x00010003)
  .long multiboot_header
  .long load_start
  .long load_end
  .long bss_end
  .long multiboot_entry

.section .note.pvh,"a",@note
.balign 4
  .long 4, 8, 18               /* XEN_ELFNOTE_PHYS32_ENTRY */
  .asciz "Xen"
  .balign 4
  .quad pvh_entry

.section .boot.text,"ax",@progbits
.code32
.global multiboot_entry
multiboot_entry:
  movl $ENTRY_MULTIBOOT, %ebp
  jmp 1f
.global pvh_entry
pvh_entry:
  movl $ENTRY_PVH, %ebp
1:
  cli
  cld
  movl %ebx, %esi
  rdtsc
  movl %eax, (entry_time - KERNEL_BASE)
  movl %edx, (entry_time - KERNEL_BASE + 4)
  movl $(boot_directory - KERNEL_BASE), %edi
  movl $0x83, %eax             /* present, writable, 2 MiB */
2: movl %eax, (%edi)
  addl $0x200000, %eax
  addl $8, %edi
  cmpl $0x40000083, %eax
  jne 2b
  movl $(boot_directory - KERNEL_BASE + 3), %eax
  movl %eax, (boot_low - KERNEL_BASE)
  movl %eax, (boot_high - KERNEL_BASE + 510*8)
  movl $(boot_low - KERNEL_BASE + 3), %eax
  movl %eax, (boot_top - KERNEL_BASE)
  movl %eax, (boot_top - KERNEL_BASE + 256*8)
  movl $(boot_high - KERNEL_BASE + 3), %eax
  movl %eax, (boot_top - KERNEL_BASE + 511*8)
  movl $(boot_top - KERNEL_BASE), %eax
  movl %eax, %cr3
  movl $0x6a0, %eax            /* PAE, PGE, OSFXSR, OSXMMEXCPT */
  movl %eax, %cr4
  movl $0xC0000080, %ecx
  rdmsr
  orl $0x901, %eax             /* SCE, LME, NXE */
  wrmsr
  movl $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
  movl %eax, %cr0
  lgdt boot_gdt_pointer
  ljmp $0x8, $long_entry
.code64
long_entry:
  movl $0x10, %eax
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %fs
  movl %eax, %gs
  movabs $call_stack_top, %rsp
  movl %ebp, %edi
  movl %esi, %esi
  xorl %ebp, %ebp
  movabs $kernel_main, %rax
  call *%rax
  hlt

.section .boot.data,"aw",@progbits
.balign 8
boot_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer: .word 23
  .long boot_gdt

.section .bss.boot,"aw",@nobits
.balign 4096
boot_top: .skip 4096
boot_low: .skip 4096
boot_high: .skip 4096
boot_directory: .skip 4096
.global entry_time
entry_time: .skip 8

/* Kernel stacks, each above a page that is never mapped. */
.section .bss.stacks,"aw",@nobits
.balign 4096
.global stacks_start
stacks_start:
.global call_guard
call_guard: .skip 4096
  .skip {call_stack_bytes}
.global call_stack_top
call_stack_top:
.global trap_guard
trap_guard: .skip 4096
  .skip {trap_stack_bytes}
.global trap_stack_top
trap_stack_top:
.global abort_guard
abort_guard: .skip 4096
  .skip {trap_stack_bytes}
.global abort_stack_top
abort_stack_top:

/* What the compiler calls. `rep movsq` is the fastest copy under TCG, and Rust would make it recursive. */
.text
.global memcpy
.global memmove
.global memset
.global memcmp
.global bcmp
memcpy: movq %rdi, %rax
  movq %rdx, %rcx
  shrq $3, %rcx
  rep movsq
  movl %edx, %ecx
  andl $7, %ecx
  rep movsb
  ret
memmove: movq %rdi, %rax
  movq %rdi, %r8
  subq %rsi, %r8
  cmpq %rdx, %r8
  jae memcpy
  leaq -1(%rsi,%rdx), %rsi
  leaq -1(%rdi,%rdx), %rdi
  movq %rdx, %rcx
  std
  rep movsb
  cld
  ret
memset: movq %rdi, %r8
  movzbl %sil, %eax
  movabs $0x0101010101010101, %rcx
  imulq %rcx, %rax
  movq %rdx, %rcx
  shrq $3, %rcx
  rep stosq
  movl %edx, %ecx
  andl $7, %ecx
  rep stosb
  movq %r8, %rax
  ret
bcmp:
memcmp: xorl %ecx, %ecx
1: cmpq %rdx, %rcx
  je 2f
  movzbl (%rdi,%rcx), %eax
  movzbl (%rsi,%rcx), %r8d
  incq %rcx
  subl %r8d, %eax
  je 1b
  ret
2: xorl %eax, %eax
  ret
