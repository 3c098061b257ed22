// The linter's rules: typescript-eslint's strictest sets, except for those turned off here.
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const typescript = {
  files: ["**/*.ts"],
  extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    eqeqeq: ["error", "always", { null: "ignore" }],
    "max-lines": ["error", { max: 300 }],
    "max-lines-per-function": ["error", { max: 40 }],
    "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
    "@typescript-eslint/no-confusing-void-expression": "off", // `return this.#send(...)` ends a branch
    "@typescript-eslint/no-empty-function": "off", // callbacks that do nothing
    "@typescript-eslint/no-non-null-assertion": "off", // noUncheckedIndexedAccess cannot follow bounds
    "@typescript-eslint/no-unnecessary-type-parameters": "off", // `get<Snapshot>(path, ...)` names the type of a response
    "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true } }], // "" is no value
    "@typescript-eslint/require-await": "off", // interfaces ask for promises
    "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "@typescript-eslint/unbound-method": "off", // Lit binds the listeners of its templates
  },
};

/** What tests send and receive is JSON, and their suites are long. */
const tests = {
  files: ["test/**"],
  rules: {
    "max-lines": "off",
    "max-lines-per-function": "off",
    "@typescript-eslint/no-deprecated": "off",
    "@typescript-eslint/no-explicit-any": "off",
    "@typescript-eslint/no-unsafe-assignment": "off",
    "@typescript-eslint/no-unsafe-call": "off",
    "@typescript-eslint/no-unsafe-member-access": "off",
    "@typescript-eslint/no-unsafe-return": "off",
  },
};

export default defineConfig(globalIgnores(["lib/"]), typescript, tests);
