importScripts('../../pkg/sw.js');
