//! wasmtime.

use crate::clock;
use crate::engine::{Engine, Failure, Figure, Run, TOUCHED, guest, private_bytes};
use wasmtime::{
    Config, Func, FuncType, InstanceAllocationStrategy, InstancePre, Linker, Module, PoolingAllocationConfig,
    Store, Val, ValType,
};

/// Bytes of a memory that the pool keeps: what this project's pool resets by copying, too.
const RESIDENT: usize = 64 << 10;
/// Instances of the pool.
const INSTANCES: u32 = 1000;

/// The engine.
pub struct Wasmtime {
    cold: wasmtime::Engine,
    pooled: wasmtime::Engine,
}

fn said(error: impl std::fmt::Debug) -> Failure {
    format!("{error:?}")
}

fn one(linker: &mut Linker<()>, dynamic: bool) -> Result<(), Failure> {
    if dynamic {
        let ty = FuncType::new(linker.engine(), [ValType::I32], [ValType::I32]);
        let code = |_: wasmtime::Caller<'_, ()>, arguments: &[Val], results: &mut [Val]| {
            results[0] = Val::I32(arguments[0].unwrap_i32() + 1);
            Ok(())
        };
        linker.func_new("host", "one", ty, code).map_err(said)?;
    } else {
        linker.func_wrap("host", "one", |value: i32| value + 1).map_err(said)?;
    }
    Ok(())
}

fn ready(engine: &wasmtime::Engine, dynamic: bool) -> Result<InstancePre<()>, Failure> {
    let module = Module::new(engine, guest()?).map_err(said)?;
    let mut linker = Linker::new(engine);
    one(&mut linker, dynamic)?;
    linker.instantiate_pre(&module).map_err(said)
}

fn touch(store: &mut Store<()>, ready: &InstancePre<()>) -> Result<(), Failure> {
    let instance = ready.instantiate(&mut *store).map_err(said)?;
    let touch = instance.get_typed_func::<i32, i32>(&mut *store, "touch").map_err(said)?;
    let given = touch.call(store, 1).map_err(said)?;
    if given == TOUCHED { Ok(()) } else { Err("the instance has another segment".into()) }
}

impl Wasmtime {
    /// Engines with the defaults, but for the pool of one of them.
    pub fn new() -> Result<Self, Failure> {
        let cold = wasmtime::Engine::new(&Config::new()).map_err(said)?;
        let mut pool = PoolingAllocationConfig::default();
        pool.total_core_instances(INSTANCES).total_memories(INSTANCES).linear_memory_keep_resident(RESIDENT);
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        Ok(Self { cold, pooled: wasmtime::Engine::new(&config).map_err(said)? })
    }
}

impl Engine for Wasmtime {
    fn compile(&mut self, module: &[u8]) -> Result<Vec<u8>, Failure> {
        self.cold.precompile_module(module).map_err(said)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<Run, Failure> {
        let module = Module::new(&self.cold, bytes).map_err(said)?;
        let mut store = Store::new(&self.cold, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).map_err(said)?;
        let run = instance.get_typed_func::<u32, u64>(&mut store, "run").map_err(said)?;
        Ok(Box::new(move |rounds| run.call(&mut store, rounds).map_err(said)))
    }

    fn measure(&mut self, figure: Figure, count: u32) -> Result<u64, Failure> {
        let ready = match figure {
            Figure::Pooled | Figure::Idle => ready(&self.pooled, false),
            _ => ready(&self.cold, figure == Figure::CallOutDynamic),
        }?;
        let engine = ready.module().engine().clone();
        let mut store = Store::new(&engine, ());
        let mut function = |name: &str| -> Result<Func, Failure> {
            let instance = ready.instantiate(&mut store).map_err(said)?;
            instance.get_func(&mut store, name).ok_or_else(|| format!("there is no `{name}`"))
        };
        let (time, done) = match figure {
            Figure::CallIn => {
                let nothing = function("nothing")?.typed::<(), ()>(&store).map_err(said)?;
                clock::time(|| (0..count).try_for_each(|_| nothing.call(&mut store, ())).map_err(said))
            }
            Figure::CallInOne => {
                let one = function("one")?.typed::<i32, i32>(&store).map_err(said)?;
                clock::time(|| (0..count).try_for_each(|_| one.call(&mut store, 1).map(drop)).map_err(said))
            }
            Figure::CallInDynamic => {
                let (one, mut results) = (function("one")?, [Val::I32(0)]);
                let mut once = || one.call(&mut store, &[Val::I32(1)], &mut results);
                clock::time(|| (0..count).try_for_each(|_| once()).map_err(said))
            }
            Figure::CallOut | Figure::CallOutDynamic => {
                let out = function("out")?.typed::<u32, i32>(&store).map_err(said)?;
                clock::time(|| out.call(&mut store, count).map(drop).map_err(said))
            }
            Figure::Pooled | Figure::Cold => {
                let once = || touch(&mut Store::new(&engine, ()), &ready);
                once()?;
                clock::time(|| (0..count).try_for_each(|_| once()))
            }
            Figure::Idle => {
                let mut stores: Vec<Store<()>> = (0..=count).map(|_| Store::new(&engine, ())).collect();
                let (first, others) = stores.split_first_mut().ok_or("there are no stores")?;
                touch(first, &ready)?;
                let before = private_bytes()?;
                others.iter_mut().try_for_each(|store| touch(store, &ready))?;
                return Ok((private_bytes()? - before) / u64::from(count));
            }
        };
        done?;
        Ok(time)
    }
}
