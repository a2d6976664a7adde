// The bare runtime: a program that does nothing.
export {};
