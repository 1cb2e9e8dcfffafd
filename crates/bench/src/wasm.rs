//! The jobs for `measure.mjs`.

use wasm_bindgen::prelude::*;

use crate::cube::{self, Cube};
use crate::job::{self, Job};
use crate::record::{CHUNK, CellRecord, EventRecord, Names};

/// A job on its way.
#[wasm_bindgen]
pub struct Bench {
    job: Box<dyn Job>,
}

#[wasm_bindgen]
impl Bench {
    /// A job by name; `names` is the first line of the file.
    #[wasm_bindgen(constructor)]
    pub fn new(job: &str, names: &[u8]) -> Result<Bench, JsError> {
        let names = Names::read(names)?;
        let job = job::by_name(job, names).ok_or_else(|| JsError::new("there is no such job"))?;
        Ok(Bench { job })
    }

    /// [`Job::prepare`].
    pub fn prepare(&mut self, chunk: &[u8]) {
        self.job.prepare(chunk);
    }

    /// [`Job::step`].
    pub fn step(&mut self) {
        self.job.step();
    }

    /// [`Job::finish`].
    pub fn finish(&mut self) {
        self.job.finish();
    }

    /// [`Job::answer`] as JSON.
    pub fn answer(&mut self) -> Result<String, JsError> {
        Ok(serde_json::to_string(&self.job.answer())?)
    }
}

/// A [`Cube`].
#[wasm_bindgen]
pub struct CubeBench {
    cube: Cube,
}

#[wasm_bindgen]
impl CubeBench {
    /// An empty cube; `names` is the first line of the file.
    #[wasm_bindgen(constructor)]
    pub fn new(names: &[u8]) -> Result<CubeBench, JsError> {
        Ok(CubeBench { cube: Cube::new(Names::read(names)?) })
    }

    /// [`Cube::load`].
    pub fn load(&mut self, chunk: &[u8]) {
        self.cube.load(chunk);
    }

    /// [`Cube::finish`].
    pub fn finish(&mut self) {
        self.cube.finish();
    }

    /// Answers a query and forgets the answer; its number of rows.
    pub fn query(&self, number: usize) -> usize {
        self.cube.query(number).map_or(0, |table| table.rows.len())
    }

    /// The figures of a query's answer, as JSON.
    pub fn figures(&self, number: usize) -> Result<String, JsError> {
        let table = self.cube.query(number).ok_or_else(|| JsError::new("there is no such query"))?;
        Ok(serde_json::to_string(&cube::figures(&table))?)
    }
}

/// Bytes of a chunk of events.
#[wasm_bindgen(js_name = eventChunkBytes)]
pub fn event_chunk_bytes() -> usize {
    CHUNK * EventRecord::BYTES
}

/// Bytes of an event.
#[wasm_bindgen(js_name = eventBytes)]
pub fn event_bytes() -> usize {
    EventRecord::BYTES
}

/// Bytes of a chunk of cells.
#[wasm_bindgen(js_name = cellChunkBytes)]
pub fn cell_chunk_bytes() -> usize {
    CHUNK * CellRecord::BYTES
}

/// The names of the queries, in the order of their numbers.
#[wasm_bindgen]
pub fn queries() -> Vec<String> {
    cube::QUERIES.iter().map(|(name, _)| (*name).to_owned()).collect()
}
