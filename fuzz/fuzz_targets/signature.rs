#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| subgraph_kit::fuzzing::signature(data));
