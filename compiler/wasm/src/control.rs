//! Structured control: blocks, branches, what is not reached.

use crate::function::Function;
use crate::types::value_type;
use compiler_core::trap_code;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, MemFlagsData, Value};
use sci::status::Fault;
use wasmparser::{BlockType, BrTable, Operator, ValType};

/// What a frame is.
enum Kind {
    Block,
    Loop { header: Block },
    If { otherwise: Block, parameters: Vec<Value> },
    Else,
}

/// An open block.
pub(crate) struct Frame {
    kind: Kind,
    /// Where control goes on behind it, with its results as parameters.
    following: Block,
    /// Whether something comes there.
    reached: bool,
    /// Operands below its parameters.
    height: usize,
    /// Operands that a branch to it takes.
    arity: usize,
    results: usize,
}

impl Frame {
    /// The frame of a function's body.
    pub(crate) fn function(exit: Block, results: usize) -> Self {
        Self { kind: Kind::Block, following: exit, reached: false, height: 0, arity: results, results }
    }

    fn target(&self) -> Block {
        if let Kind::Loop { header } = self.kind { header } else { self.following }
    }
}

fn arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|value| BlockArg::Value(*value)).collect()
}

impl<'m> Function<'_, '_, 'm> {
    /// A block with parameters of these types.
    fn block_of(&mut self, types: &[ValType]) -> Block {
        let block = self.builder.create_block();
        for ty in types {
            self.builder.append_block_param(block, value_type(*ty));
        }
        block
    }

    fn jump(&mut self, block: Block, values: &[Value]) {
        self.builder.ins().jump(block, &arguments(values));
    }

    pub(crate) fn control(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::Nop => {}
            Operator::Unreachable => {
                self.builder.ins().trap(trap_code(Fault::Unreachable));
                self.reachable = false;
            }
            Operator::Block { blockty } => {
                let (parameters, results) = self.block_types(*blockty);
                let following = self.block_of(&results);
                self.enter(Kind::Block, following, parameters.len(), results.len(), results.len());
            }
            Operator::Loop { blockty } => self.open_loop(*blockty),
            Operator::If { blockty } => self.open_if(*blockty),
            Operator::Else => self.otherwise(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.reachable = false;
            }
            Operator::BrIf { relative_depth } => {
                let condition = self.pop();
                let next = self.builder.create_block();
                let (target, values) = self.destination(*relative_depth);
                self.builder.ins().brif(condition, target, &arguments(&values), next, &[]);
                self.builder.switch_to_block(next);
                self.builder.seal_block(next);
            }
            Operator::BrTable { targets } => self.branch_table(targets),
            Operator::Return => {
                self.branch(self.frames.len() as u32 - 1);
                self.reachable = false;
            }
            _ => return false,
        }
        true
    }

    fn enter(&mut self, kind: Kind, following: Block, parameters: usize, results: usize, arity: usize) {
        let height = self.stack.len() - parameters;
        self.frames.push(Frame { kind, following, reached: false, height, arity, results });
    }

    fn open_loop(&mut self, ty: BlockType) {
        let (parameters, results) = self.block_types(ty);
        let header = self.block_of(&parameters);
        let following = self.block_of(&results);
        let values = self.top(parameters.len()).to_vec();
        self.jump(header, &values);
        self.builder.switch_to_block(header);
        self.stack.truncate(self.stack.len() - parameters.len());
        self.stack.extend_from_slice(self.builder.block_params(header));
        self.enter(Kind::Loop { header }, following, parameters.len(), results.len(), parameters.len());
        self.check_fuel();
    }

    fn open_if(&mut self, ty: BlockType) {
        let condition = self.pop();
        let (parameters, results) = self.block_types(ty);
        let following = self.block_of(&results);
        let (then, otherwise) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(condition, then, &[], otherwise, &[]);
        self.builder.seal_block(then);
        self.builder.seal_block(otherwise);
        self.builder.switch_to_block(then);
        let kept = self.top(parameters.len()).to_vec();
        let kind = Kind::If { otherwise, parameters: kept };
        self.enter(kind, following, parameters.len(), results.len(), results.len());
    }

    fn otherwise(&mut self) {
        self.leave();
        let Some(frame) = self.frames.last_mut() else { return };
        let Kind::If { otherwise, parameters } = std::mem::replace(&mut frame.kind, Kind::Else) else {
            return;
        };
        self.stack.truncate(frame.height);
        self.stack.extend(parameters);
        self.builder.switch_to_block(otherwise);
        self.reachable = true;
    }

    /// Goes on behind the innermost block, if control comes to its end.
    fn leave(&mut self) {
        if !self.reachable {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        frame.reached = true;
        let (following, results) = (frame.following, frame.results);
        let values = self.top(results).to_vec();
        self.jump(following, &values);
    }

    pub(crate) fn end(&mut self) {
        self.leave();
        let Some(mut frame) = self.frames.pop() else { return };
        match frame.kind {
            Kind::If { otherwise, parameters } => {
                // Without an `else` the parameters are the results.
                self.builder.switch_to_block(otherwise);
                self.jump(frame.following, &parameters);
                frame.reached = true;
            }
            Kind::Loop { header } => self.builder.seal_block(header),
            Kind::Block | Kind::Else => {}
        }
        self.builder.seal_block(frame.following);
        self.stack.truncate(frame.height);
        self.reachable = frame.reached;
        if frame.reached {
            self.builder.switch_to_block(frame.following);
            self.stack.extend_from_slice(self.builder.block_params(frame.following));
        }
        if self.frames.is_empty() && frame.reached {
            self.give_results();
        }
    }

    /// Returns the operands.
    fn give_results(&mut self) {
        self.store_fuel();
        let values = std::mem::take(&mut self.stack);
        let Some(pointer) = self.result_pointer else {
            self.builder.ins().return_(&values);
            return;
        };
        let flags = MemFlagsData::trusted().with_trap_code(None);
        for (index, value) in values.into_iter().enumerate() {
            self.builder.ins().store(flags, value, pointer, 16 * index as i32);
        }
        self.builder.ins().return_(&[]);
    }

    /// Where a branch goes, and what it takes along.
    fn destination(&mut self, depth: u32) -> (Block, Vec<Value>) {
        let at = self.frames.len() - 1 - depth as usize;
        let frame = &mut self.frames[at];
        frame.reached |= !matches!(frame.kind, Kind::Loop { .. });
        let (target, arity) = (frame.target(), frame.arity);
        (target, self.top(arity).to_vec())
    }

    fn branch(&mut self, depth: u32) {
        let (target, values) = self.destination(depth);
        self.jump(target, &values);
    }

    fn branch_table(&mut self, targets: &BrTable<'_>) {
        let index = self.pop();
        let depths: Vec<u32> = targets.targets().flatten().collect();
        let mut calls = Vec::with_capacity(depths.len());
        for depth in depths {
            let (target, values) = self.destination(depth);
            let call = self.builder.func.dfg.block_call(target, &arguments(&values));
            calls.push(call);
        }
        let (target, values) = self.destination(targets.default());
        let default = self.builder.func.dfg.block_call(target, &arguments(&values));
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
        self.reachable = false;
    }

    /// Passes an operator that is not reached, but for the ends of blocks.
    pub(crate) fn skip(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.skipped += 1,
            Operator::End if self.skipped > 0 => self.skipped -= 1,
            Operator::End => self.end(),
            Operator::Else if self.skipped == 0 => self.otherwise(),
            _ => {}
        }
    }
}
