//! Messages: the 128-byte frame on the stack, and the gate calls that take it.

use super::function::{Lowering, trusted};
use compiler_mir::ir::{Operand, Place, Statement};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value};
use sci::layout::{frame, start};
use sci::syscall::number;

impl Lowering<'_, '_, '_> {
    fn frame(&mut self) -> StackSlot {
        if let Some(slot) = self.message {
            return slot;
        }
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, frame::BYTES as u32, 4);
        let slot = self.builder.create_sized_stack_slot(data);
        self.message = Some(slot);
        slot
    }

    /// No interface carries capabilities yet: none is taken, so that no peer fills the component's slots.
    fn accept_none(&mut self, frame: StackSlot) {
        let none = self.builder.ins().iconst(I64, 0);
        self.put(frame, frame::ACCEPTS, none);
    }

    fn put(&mut self, frame: StackSlot, at: u64, value: Value) {
        self.builder.ins().stack_store(I64, value, frame, at as i32);
    }

    fn get(&mut self, frame: StackSlot, at: u64) -> Value {
        self.builder.ins().stack_load(I64, I64, frame, at as i32)
    }

    fn put_words(&mut self, frame: StackSlot, words: &[Operand]) {
        for index in 0..sci::limits::MESSAGE_WORDS {
            // Words that a message does not use are zero: nothing of ours leaves by accident.
            let word = match words.get(index) {
                Some(word) => self.scalar(word),
                None => self.builder.ins().iconst(I64, 0),
            };
            self.put(frame, frame::WORDS + 8 * index as u64, word);
        }
    }

    fn get_places(&mut self, frame: StackSlot, at: u64, places: &[Place]) {
        for (index, place) in places.iter().enumerate() {
            let word = self.get(frame, at + 8 * index as u64);
            self.store_scalar(place, word);
        }
    }

    /// Sends a message and takes the answer.
    pub(crate) fn invoke(&mut self, statement: &Statement) {
        let Statement::Invoke { capability, method, words, status, results, .. } = statement else { return };
        let frame = self.frame();
        self.put_words(frame, words);
        let number = self.builder.ins().iconst(I64, i64::from(*method));
        self.put(frame, frame::METHOD, number);
        self.accept_none(frame);
        let entry = self.scalar(capability);
        let handle = self.builder.ins().load(I64, trusted(), entry, start::ENTRY_HANDLE as i32);
        let pointer = self.builder.ins().stack_addr(I64, frame, 0);
        let (answer, _) = self.call_slot(number::ipc_call, &[handle, pointer]);
        self.store_scalar(status, answer);
        self.get_places(frame, frame::WORDS, results);
    }

    /// Waits for a message, after answering the previous one.
    pub(crate) fn receive(&mut self, statement: &Statement) {
        let Statement::Receive { reply, badge, method, words } = statement else { return };
        let frame = self.frame();
        let call = if let Some((status, answers)) = reply {
            self.put_words(frame, answers);
            let status = self.scalar(status);
            self.put(frame, frame::STATUS, status);
            number::ipc_reply_recv
        } else {
            number::ipc_recv
        };
        self.accept_none(frame);
        let pointer = self.builder.ins().stack_addr(I64, frame, 0);
        self.call_slot(call, &[pointer]);
        self.get_places(frame, frame::BADGE, std::slice::from_ref(badge));
        self.get_places(frame, frame::METHOD, std::slice::from_ref(method));
        self.get_places(frame, frame::WORDS, words);
    }
}
