//! A configuration of GraphQL Code Generator for front ends of this system.

/// The text of `codegen.ts`, for a system at this port.
pub fn of(port: u16) -> String {
    TEMPLATE.replace("{port}", &port.to_string())
}

const TEMPLATE: &str = r#"// codegen.ts, for GraphQL Code Generator: https://the-guild.dev/graphql/codegen
//
//   npm install graphql
//   npm install --save-dev typescript @graphql-codegen/cli @graphql-codegen/client-preset
//   npx graphql-codegen --watch
//
// Point the client itself at http://localhost:{port}/graphql. Pages on localhost may send requests from any port;
// origins elsewhere need `lyceum up --cors-origin`. Signed-in users' requests have the header
// `Authorization: Bearer <accessToken>`, with the token of the mutation `login`.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "http://localhost:{port}/schema.graphql",
  documents: ["src/**/*.{ts,tsx,graphql}"],
  ignoreNoDocuments: true,
  generates: {
    "./src/gql/": {
      preset: "client",
      config: {
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          // RFC 3339, in UTC.
          DateTime: "string",
          // Exact, such as "49.99": a number of JavaScript would round it.
          Decimal: "string",
        },
      },
    },
  },
};

export default config;
"#;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The code generator refuses a scalar that it has no type for.
    #[test]
    fn each_scalar_of_the_graph_has_a_type() {
        let sdl = include_str!("../../../api.graphql");
        let of_the_graph: BTreeSet<_> = sdl.lines().filter_map(|line| line.strip_prefix("scalar ")).collect();
        let typed = TEMPLATE.lines().filter_map(|line| line.trim().strip_suffix(": \"string\","));

        assert_eq!(typed.collect::<BTreeSet<_>>(), of_the_graph);
        assert!(of(4001).contains("\"http://localhost:4001/schema.graphql\""));
    }
}
