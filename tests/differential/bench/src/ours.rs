//! This project's compiler and runtime.

use crate::clock;
use crate::engine::{Engine, Failure, Figure, Run, TOUCHED, guest, private_bytes};
use compiler_driver::guest::{Guest, GuestOptions, Input, compile};
use space_host::{Extern, Function, FunctionType, Instance, Module, Store, Value, ValueType};

/// Seed of the key that signs images here.
const SEED: [u8; 32] = [7; 32];

/// The engine.
pub struct Ours {
    /// A thread has one at a time.
    store: Option<Store>,
}

fn said(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}

fn image(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let guest = Guest::new(Input { name: "main", file: "main.wasm", bytes: module }, &[]);
    compile(&guest, GuestOptions::default()).map_err(said)
}

fn module(bytes: &[u8]) -> Result<Module, Failure> {
    let image = sci::write::sign_image(&image(bytes)?, &SEED, true).map_err(said)?;
    Module::load(&image, &[sci::sign::public_key(&SEED)]).map_err(said)
}

fn exported(instance: &Instance, name: &str) -> Result<Function, Failure> {
    instance.function(name).ok_or_else(|| format!("there is no `{name}`"))
}

fn one(store: &Store, dynamic: bool) -> Extern {
    if !dynamic {
        return Extern::Function(store.typed_function(|_, (value,): (i32,)| Ok(value + 1)));
    }
    let ty = FunctionType { parameters: vec![ValueType::I32], results: vec![ValueType::I32] };
    Extern::Function(store.function(ty, |_, values| match values {
        [Value::I32(value)] => Ok(vec![Value::I32(value + 1)]),
        _ => Ok(vec![Value::I32(0)]),
    }))
}

fn touch(store: &Store, module: &Module) -> Result<(), Failure> {
    let instance = Instance::new(store, module, &[one(store, false)]).map_err(said)?;
    let touch = exported(&instance, "touch")?.typed::<(i32,), i32>().map_err(said)?;
    if touch.call((1,)).map_err(said)? == TOUCHED { Ok(()) } else { Err("another segment".into()) }
}

impl Ours {
    /// An engine without programs.
    pub fn new() -> Self {
        Self { store: None }
    }

    fn store(&mut self) -> Result<Store, Failure> {
        if self.store.is_none() {
            self.store = Some(Store::new().map_err(said)?);
        }
        self.store.clone().ok_or_else(|| "there is no store".into())
    }
}

impl Engine for Ours {
    fn compile(&mut self, module: &[u8]) -> Result<Vec<u8>, Failure> {
        image(module)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<Run, Failure> {
        let instance = Instance::new(&self.store()?, &module(bytes)?, &[]).map_err(said)?;
        let run = exported(&instance, "run")?.typed::<(u32,), u64>().map_err(said)?;
        Ok(Box::new(move |rounds| run.call((rounds,)).map_err(said)))
    }

    fn measure(&mut self, figure: Figure, count: u32) -> Result<u64, Failure> {
        let module = module(&guest()?)?;
        let store = self.store()?;
        let dynamic = figure == Figure::CallOutDynamic;
        let function = |name: &str| -> Result<Function, Failure> {
            let instance = Instance::new(&store, &module, &[one(&store, dynamic)]).map_err(said)?;
            exported(&instance, name)
        };
        let (time, done) = match figure {
            Figure::CallIn => {
                let nothing = function("nothing")?.typed::<(), ()>().map_err(said)?;
                clock::time(|| (0..count).try_for_each(|_| nothing.call(())))
            }
            Figure::CallInOne => {
                let one = function("one")?.typed::<(i32,), i32>().map_err(said)?;
                clock::time(|| (0..count).try_for_each(|_| one.call((1,)).map(drop)))
            }
            Figure::CallInDynamic => {
                let one = function("one")?;
                clock::time(|| (0..count).try_for_each(|_| one.call(&[Value::I32(1)]).map(drop)))
            }
            Figure::CallOut | Figure::CallOutDynamic => {
                let out = function("out")?.typed::<(u32,), i32>().map_err(said)?;
                clock::time(|| out.call((count,)).map(drop))
            }
            Figure::Pooled | Figure::Cold => {
                self.store = None;
                drop(store);
                module.keep(usize::from(figure == Figure::Pooled));
                let once = || touch(&Store::new().map_err(said)?, &module);
                // What is in the pool was used before.
                once()?;
                let (time, done) = clock::time(|| (0..count).try_for_each(|_| once()));
                done?;
                return Ok(time);
            }
            Figure::Idle => {
                touch(&store, &module)?;
                let before = private_bytes()?;
                (0..count).try_for_each(|_| touch(&store, &module))?;
                return Ok((private_bytes()? - before) / u64::from(count));
            }
        };
        done.map_err(said)?;
        Ok(time)
    }
}
