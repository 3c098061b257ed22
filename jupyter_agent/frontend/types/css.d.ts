// The build makes the default export of a style sheet its text.
declare module "*.css" {
  const text: string;
  export default text;
}
